//! The one way out: after the services have stopped, what is left is ended step by step, each step with a time
//! limit, and then `reboot(2)` is called. The watchdog is fed between steps and not after: if a step or the call
//! hangs, the machine resets.

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount_remount, unmount};
use rustix::system::{RebootCommand, reboot};
use sps_sys::watchdog::Watchdog;
use tracing::{info, warn};

use crate::children::Children;
use crate::mounts;

/// How the machine is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Start again.
    Reboot,
    /// Switch off.
    PowerOff,
}

/// What the exit needs from its caller.
#[derive(Debug)]
pub struct Leaving {
    /// How.
    pub departure: Departure,
    /// Still armed; fed between the steps.
    pub watchdog: Option<Watchdog>,
    /// Whose processes are still about.
    pub children: Children,
    /// Called last, to let the consoles show what was said.
    pub flush: fn(Duration),
}

struct Step {
    name: &'static str,
    limit: Duration,
    run: fn(),
}

/// Time that processes get between SIGTERM and SIGKILL.
const TERMINATE_WITHIN: Duration = Duration::from_secs(3);

/// Time that those who hold a file get to let go of it: a thread that is about to end, a program that was just killed.
const BUSY_WITHIN: Duration = Duration::from_secs(3);
/// Time between two attempts: the kernel tells nobody when a file system is free.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

const STEPS: &[Step] = &[
    Step {
        name: "end processes",
        limit: Duration::from_secs(5),
        run: end_processes,
    },
    Step {
        name: "write back",
        limit: Duration::from_secs(20),
        run: rustix::fs::sync,
    },
    Step {
        name: "unmount",
        limit: Duration::from_secs(15),
        run: unmount_all,
    },
    Step {
        name: "write back",
        limit: Duration::from_secs(5),
        run: rustix::fs::sync,
    },
];

/// Ends what is left and leaves the machine. Returns only if the kernel refuses: then PID 1 must end, so that the
/// kernel panics and reboots.
pub fn leave(leaving: &Leaving) -> Errno {
    for step in STEPS {
        feed(leaving);
        within(step);
        leaving.children.reap_orphans();
    }
    feed(leaving);
    let command = match leaving.departure {
        Departure::Reboot => RebootCommand::Restart,
        Departure::PowerOff => RebootCommand::PowerOff,
    };
    info!(
        "{}",
        if leaving.departure == Departure::Reboot {
            "reboot"
        } else {
            "power off"
        }
    );
    (leaving.flush)(Duration::from_secs(2));
    match reboot(command) {
        Ok(()) => Errno::NOSYS,
        Err(error) => error,
    }
}

fn feed(leaving: &Leaving) {
    if let Some(Err(error)) = leaving.watchdog.as_ref().map(Watchdog::feed) {
        warn!("{error}");
    }
}

/// Runs a step on a thread and goes on without it when its time is up.
fn within(step: &Step) {
    let (done, finished) = mpsc::sync_channel(1);
    let run = step.run;
    let begun = Instant::now();
    let started = thread::Builder::new().name("exit".into()).spawn(move || {
        run();
        let _nobody_waits_any_more = done.send(());
    });
    let ended = started.is_ok() && finished.recv_timeout(step.limit).is_ok();
    if !ended {
        warn!(
            "{}: not done after {:.1} s; going on without",
            step.name,
            begun.elapsed().as_secs_f64()
        );
    }
}

/// SIGTERM to every process but PID 1, a pause bounded by the last one's end, SIGKILL to the rest.
fn end_processes() {
    let everybody = Pid::from_raw(-1);
    if user_processes(Path::new("/proc")) == 0 || kill(everybody, Signal::SIGTERM).is_err() {
        return;
    }
    let deadline = Instant::now() + TERMINATE_WITHIN;
    while Instant::now() < deadline {
        Children::default().reap_orphans();
        if user_processes(Path::new("/proc")) == 0 {
            return;
        }
        thread::park_timeout(Duration::from_millis(20));
    }
    warn!("processes did not end on SIGTERM; killing them");
    let _nobody_left = kill(everybody, Signal::SIGKILL);
}

/// Processes other than PID 1. Kernel threads do not count: they have no program behind `exe`, and no signal ends
/// them; nor do ended processes that only wait to be reaped.
fn user_processes(proc: &Path) -> usize {
    let Ok(entries) = fs::read_dir(proc) else { return 0 };
    let has_program = |entry: &fs::DirEntry| {
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok());
        number.is_some_and(|pid| pid != 1) && fs::read_link(entry.path().join("exe")).is_ok()
    };
    entries.flatten().filter(has_program).count()
}

/// Unmounts everything that lies on a device, newest first; what stays busy is made read-only.
fn unmount_all() {
    let until = Instant::now() + BUSY_WITHIN;
    let (mut done, mut left) = (Vec::new(), Vec::new());
    for point in mounts::mounted() {
        if is_kernels_own(&point) {
            continue;
        }
        match unmount_within(&point, until) {
            Ok(()) => done.push(point),
            Err(error) => {
                if let Err(error) = mount_remount(point.as_str(), MountFlags::RDONLY, c"") {
                    warn!("could not make {point} read-only: {error}");
                }
                left.push(format!("{point} ({error})"));
            }
        }
    }
    if !done.is_empty() {
        info!("unmounted {}", done.join(", "));
    }
    if !left.is_empty() {
        warn!("not unmounted but made read-only: {}", left.join(", "));
    }
}

/// Tries again while somebody is just letting go of a file.
fn unmount_within(point: &str, until: Instant) -> Result<(), Errno> {
    loop {
        match unmount(point, UnmountFlags::NOFOLLOW) {
            Err(Errno::BUSY) if Instant::now() < until => thread::park_timeout(LOOK_AGAIN),
            ended => return ended,
        }
    }
}

/// Mounts that hold nothing to lose, and that the exit itself still needs.
fn is_kernels_own(point: &str) -> bool {
    point == "/"
        || ["/proc", "/sys", "/dev", "/run", "/tmp"].iter().any(|own| {
            point
                .strip_prefix(own)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_hangs_does_not_hang_the_exit() {
        let hang = Step {
            name: "hang",
            limit: Duration::from_millis(20),
            run: || thread::park(),
        };
        let begun = Instant::now();
        within(&hang);
        assert!(begun.elapsed() >= hang.limit);
    }

    #[test]
    fn kernel_threads_do_not_hold_up_the_exit() {
        let proc = tempfile::tempdir().unwrap();
        for name in ["1", "2", "77", "self"] {
            fs::create_dir(proc.path().join(name)).unwrap();
        }
        for name in ["1", "77", "self"] {
            std::os::unix::fs::symlink("/sps", proc.path().join(name).join("exe")).unwrap();
        }
        assert_eq!(user_processes(proc.path()), 1);
    }

    #[test]
    fn only_what_lies_on_a_device_is_unmounted() {
        assert!(is_kernels_own("/") && is_kernels_own("/sys/fs/cgroup") && is_kernels_own("/run"));
        assert!(!is_kernels_own("/data") && !is_kernels_own("/runaway"));
    }
}
