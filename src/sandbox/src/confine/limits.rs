//! How much may be used.

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::order::Order;
use crate::shim::{Doing, Problem};

/// Threads of the program.
const THREADS: u64 = 16;
/// Open files.
const FILES: u64 = 16;

/// Sets every limit, and none can be raised again.
pub(crate) fn limit(order: &Order) -> Result<(), Problem> {
    let limits = [
        (Resource::As, order.memory),
        (Resource::Cpu, order.processor),
        (Resource::Nproc, THREADS),
        (Resource::Nofile, FILES),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        (Resource::Rtprio, 0),
        (Resource::Nice, 0),
    ];
    for (resource, most) in limits {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit).doing("set limits")?;
    }
    Ok(())
}
