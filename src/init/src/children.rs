//! Reaping: every process whose parent died becomes PID 1's child and must be waited for.
//!
//! A child that some part of the appliance started itself is left to that part, which registers it here; only
//! the others are reaped, so nobody's exit status is stolen.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tracing::{debug, warn};

/// Orphans reaped in one go: a fork bomb that dies cannot keep the caller here.
const AT_ONCE: usize = 1024;

/// The children that have an owner. Clones share one register.
#[derive(Clone, Debug, Default)]
pub struct Children {
    owned: Arc<Mutex<BTreeSet<i32>>>,
}

/// While it lives, the child it stands for is not reaped as an orphan.
#[derive(Debug)]
pub struct Owned {
    children: Children,
    pid: i32,
}

impl Children {
    /// Registers a child, whose owner then waits for it.
    #[must_use]
    pub fn own(&self, pid: u32) -> Owned {
        let pid = i32::try_from(pid).unwrap_or(i32::MAX);
        self.lock().insert(pid);
        Owned {
            children: self.clone(),
            pid,
        }
    }

    /// Starts a process and registers it as one step: even one that ends at once keeps its exit status for its owner.
    ///
    /// # Errors
    /// What starting it says.
    pub fn spawn(&self, command: &mut Command) -> io::Result<(Child, Owned)> {
        let mut owned = self.lock();
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
        owned.insert(pid);
        drop(owned);
        let children = self.clone();
        Ok((child, Owned { children, pid }))
    }

    /// Reaps the orphans that have ended; never waits. Returns how many.
    ///
    /// An owned child that has ended and was not collected yet hides orphans behind it: the kernel shows ended
    /// children in turn. They are reaped at the next call, which its collection brings about.
    pub fn reap_orphans(&self) -> usize {
        let mut reaped = 0;
        while reaped < AT_ONCE {
            // The register stays locked between the look and the wait, so that no child changes hands between.
            let owned = self.lock();
            let Some(pid) = next_ended() else { break };
            if owned.contains(&pid.as_raw()) {
                break;
            }
            match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG) {
                Ok(status) => debug!("reaped orphan: {status:?}"),
                Err(error) => {
                    warn!("could not reap process {pid}: {error}");
                    break;
                }
            }
            reaped += 1;
        }
        reaped
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.children.lock().remove(&self.pid);
    }
}

/// A child that has ended, left where it is.
fn next_ended() -> Option<Pid> {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::All, look) {
        Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => None,
        Ok(status) => status.pid(),
        Err(error) => {
            warn!("could not look for ended children: {error}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::wait::{WaitPidFlag, waitid};

    use super::*;

    fn wait_for_end(pid: u32) {
        let pid = Pid::from_raw(pid.cast_signed());
        waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
    }

    // One test: children belong to the whole process, so two tests would see each other's.
    #[test]
    #[expect(clippy::zombie_processes, reason = "the reaper is what waits for the orphan")]
    fn an_owned_child_keeps_its_status_and_an_orphan_is_reaped() {
        let children = Children::default();
        let (mut mine, owned) = children.spawn(Command::new("sh").args(["-c", "exit 7"])).unwrap();
        wait_for_end(mine.id());
        assert_eq!(children.reap_orphans(), 0);
        assert_eq!(mine.wait().unwrap().code(), Some(7));
        drop(owned);

        let orphan = Command::new("true").spawn().unwrap();
        wait_for_end(orphan.id());
        assert_eq!(children.reap_orphans(), 1);
        assert_eq!(children.reap_orphans(), 0);
    }
}
