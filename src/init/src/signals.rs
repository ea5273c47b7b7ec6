//! Signals to PID 1, taken on a thread of their own.
//!
//! The kernel sends SIGINT for Ctrl-Alt-Del (once told to), SIGCHLD for ended children. The others follow the
//! convention of small inits: SIGTERM reboots, SIGUSR2 switches off; `/sbin/poweroff` and `/sbin/reboot`, which
//! the kernel itself calls on overheating or a hypervisor's request, send them.

use std::io;
use std::thread;

use rustix::io::Errno;
use rustix::system::{RebootCommand, reboot};
use signal_hook::consts::{SIGCHLD, SIGINT, SIGPIPE, SIGTERM, SIGUSR2};
use signal_hook::iterator::Signals;
use thiserror::Error;

use crate::children::Children;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Ctrl-Alt-Del on the console.
    CtrlAltDel,
    /// SIGTERM.
    Reboot,
    /// SIGUSR2.
    PowerOff,
}

/// Why signals cannot be taken.
#[derive(Debug, Error)]
pub enum SignalError {
    /// The handlers could not be installed.
    #[error("could not install the signal handlers")]
    Install(#[source] io::Error),
    /// The thread could not be started.
    #[error("could not start the signal thread")]
    Thread(#[source] io::Error),
    /// The kernel does not let Ctrl-Alt-Del be a signal; it would reboot at once, without an orderly stop.
    #[error("could not turn Ctrl-Alt-Del into a signal")]
    CtrlAltDel(#[source] Errno),
}

/// Takes signals from now on: reaps orphans, and hands every request to `ask`.
///
/// # Errors
/// When handlers or thread cannot be made.
pub fn listen(children: Children, ask: impl Fn(Request) + Send + 'static) -> Result<(), SignalError> {
    // SIGPIPE is caught so that writing to a closed connection is an error, not the end of PID 1.
    let mut signals =
        Signals::new([SIGCHLD, SIGINT, SIGTERM, SIGUSR2, SIGPIPE]).map_err(SignalError::Install)?;
    let work = move || {
        children.reap_orphans();
        for signal in signals.forever() {
            match signal {
                SIGCHLD => {
                    children.reap_orphans();
                }
                SIGINT => ask(Request::CtrlAltDel),
                SIGTERM => ask(Request::Reboot),
                SIGUSR2 => ask(Request::PowerOff),
                _ => {}
            }
        }
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(work)
        .map_err(SignalError::Thread)?;
    Ok(())
}

/// Makes Ctrl-Alt-Del a SIGINT to PID 1 instead of an instant reboot.
///
/// # Errors
/// When the kernel refuses.
pub fn take_ctrl_alt_del() -> Result<(), SignalError> {
    reboot(RebootCommand::CadOff).map_err(SignalError::CtrlAltDel)
}
