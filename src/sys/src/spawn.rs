//! Who starts the processes: PID 1 reaps every child it does not know, so it must hear of ours before they can end.

use std::fmt;
use std::io;
use std::process::{Child, Command};

/// A child with whatever keeps it from being reaped by somebody else.
pub struct Spawned {
    /// The process.
    pub child: Child,
    /// Dropped after the child was waited for.
    pub registration: Box<dyn Send>,
}

impl fmt::Debug for Spawned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawned")
            .field("child", &self.child)
            .finish_non_exhaustive()
    }
}

/// Starts processes.
pub trait Spawn: Send + Sync {
    /// Starts one and registers it with whoever reaps, as one step: a child that ends at once must not be reaped
    /// between the two.
    ///
    /// # Errors
    /// What `Command::spawn` says.
    fn spawn(&self, command: &mut Command) -> io::Result<Spawned>;
}

/// For processes that are not PID 1: nobody else waits for their children.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Spawn for Plain {
    fn spawn(&self, command: &mut Command) -> io::Result<Spawned> {
        Ok(Spawned {
            child: command.spawn()?,
            registration: Box::new(()),
        })
    }
}
