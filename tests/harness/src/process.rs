//! A child process that is waited for with a bound and never outlives its handle.

use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Time a killed process has to be gone: the kernel only closes its files then.
const GONE: Duration = Duration::from_secs(30);

/// A child of ours; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    exit: OwnedFd,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let mut child = command
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        let watch = || {
            let pid = i32::try_from(child.id())
                .ok()
                .and_then(Pid::from_raw)
                .context("the child's pid")?;
            pidfd_open(pid, PidfdFlags::empty()).context("watch the child's process")
        };
        match watch() {
            Ok(exit) => Ok(Self { child, exit }),
            Err(error) => {
                child.kill().context("kill a child that cannot be watched")?;
                Err(error)
            }
        }
    }

    /// Waits until the process ends by itself.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Result<ExitStatus> {
        let mut watched = [PollFd::new(&self.exit, PollFlags::IN)];
        let bound = Timespec::try_from(timeout).context("the timeout")?;
        if poll(&mut watched, Some(&bound)).context("wait for a process")? == 0 {
            bail!("still running after {timeout:?}");
        }
        self.child.wait().context("collect the exit status")
    }

    /// Whether it runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Stops it where it is.
    pub(crate) fn stop(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a stopped one go on.
    pub(crate) fn go_on(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        pidfd_send_signal(&self.exit, signal).context("send a signal to a process")
    }

    /// Kills it and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill().context("kill a process")?;
        self.wait(GONE).map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only for a process that is gone already.
        let _gone = self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_bounded_and_killing_is_final() {
        let mut process = Process::spawn(Command::new("cat").stdin(std::process::Stdio::piped())).unwrap();
        assert!(process.wait(Duration::from_millis(1)).is_err());
        assert!(process.is_running());
        process.kill().unwrap();
        assert!(!process.is_running());
    }

    #[test]
    fn an_exit_status_is_passed_on() {
        let mut process = Process::spawn(&mut Command::new("false")).unwrap();
        assert_eq!(process.wait(Duration::from_secs(60)).unwrap().code(), Some(1));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Process::spawn(&mut Command::new("no-such-program")).unwrap_err();
        assert!(error.to_string().contains("no-such-program"));
    }
}
