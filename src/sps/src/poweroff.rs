//! The roles `poweroff` and `reboot`: the kernel itself calls `/sbin/poweroff` and `/sbin/reboot` when a machine
//! overheats or a hypervisor asks (`kernel/reboot.c`, `orderly_poweroff`). They pass the wish on to PID 1.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use rustix::process::{Pid, Signal, kill_process};

/// What the caller wants of PID 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    PowerOff,
    Reboot,
}

/// The wish that the program's name expresses.
pub(crate) fn by_name(program: &OsStr) -> Option<Wish> {
    match Path::new(program).file_name()?.to_str()? {
        "poweroff" => Some(Wish::PowerOff),
        "reboot" => Some(Wish::Reboot),
        _ => None,
    }
}

/// Sends the signal that stands for the wish; see `sps_init::signals`.
pub(crate) fn ask(wish: Wish) -> ExitCode {
    let signal = match wish {
        Wish::PowerOff => Signal::USR2,
        Wish::Reboot => Signal::TERM,
    };
    match kill_process(Pid::INIT, signal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not ask PID 1 for it: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_wish() {
        assert_eq!(by_name(OsStr::new("/sbin/poweroff")), Some(Wish::PowerOff));
        assert_eq!(by_name(OsStr::new("reboot")), Some(Wish::Reboot));
        assert_eq!(by_name(OsStr::new("/usr/bin/sps")), None);
    }
}
