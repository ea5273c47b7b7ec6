//! The role of PID 1: boot, supervise, leave. Whatever goes wrong in between, the end is the exit funnel.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use sps_bootlog::{BootLog, BootLogLayer};
use sps_init::children::Children;
use sps_init::exit::{self, Departure, Leaving};
use sps_supervisor::ExitKind;
use sps_sys::watchdog::Watchdog;
use tracing::error;
use tracing_subscriber::prelude::*;

use crate::{boot, consoles};

/// How the life of the appliance ended.
pub(crate) struct End {
    pub(crate) departure: Departure,
    pub(crate) watchdog: Option<Watchdog>,
}

/// Boots and supervises until the machine is left.
pub(crate) fn run() -> ExitCode {
    let log = BootLog::new();
    tracing_subscriber::registry()
        .with(BootLogLayer::new(log.clone()))
        .init();
    sps_init::panic::log_panics();
    let children = Children::default();
    let lived = catch_unwind(AssertUnwindSafe(|| boot::live(&log, &children)));
    let end = lived.unwrap_or_else(|panic| {
        error!(
            "PID 1 panicked ({}): rebooting",
            sps_init::panic::message(panic.as_ref())
        );
        // The watchdog went with the stack, still armed: the exit has its time limit.
        End {
            departure: Departure::Reboot,
            watchdog: None,
        }
    });
    log.enter_phase("exit");
    let leaving = Leaving {
        departure: end.departure,
        watchdog: end.watchdog,
        children,
        flush: consoles::flush,
    };
    let refusal = exit::leave(&leaving);
    error!("the kernel refuses to leave ({refusal}); ending PID 1 so that it panics and reboots");
    consoles::flush(std::time::Duration::from_secs(1));
    ExitCode::FAILURE
}

impl From<ExitKind> for End {
    fn from(kind: ExitKind) -> Self {
        let departure = match kind {
            ExitKind::Reboot => Departure::Reboot,
            ExitKind::PowerOff => Departure::PowerOff,
        };
        Self {
            departure,
            watchdog: None,
        }
    }
}
