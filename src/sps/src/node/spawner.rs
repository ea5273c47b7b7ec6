//! Children of the storage room, known to the reaper of PID 1.

use std::io;
use std::process::Command;

use sps_init::children::Children;
use sps_sys::spawn::{Spawn, Spawned};

/// Starts processes that the reaper leaves alone.
pub(super) struct Spawner(pub(super) Children);

impl Spawn for Spawner {
    fn spawn(&self, command: &mut Command) -> io::Result<Spawned> {
        let (child, owned) = self.0.spawn(command)?;
        Ok(Spawned {
            child,
            registration: Box::new(owned),
        })
    }
}
