//! The role `drbd-helper`: the kernel's DRBD calls `/sbin/drbd-helper EVENT minor-N` when something happens to a device
//! (`drbd.usermode_helper` on the kernel command line). A node without a partner has nothing to fence and nobody to ask: the
//! answer is always "go on".

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

/// Whether the program's name means this role.
pub(crate) fn is_meant(program: &OsStr) -> bool {
    Path::new(program).file_name() == Some(OsStr::new("drbd-helper"))
}

/// Answers the kernel.
pub(crate) fn answer() -> ExitCode {
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_told_from_people() {
        assert!(is_meant(OsStr::new("/sbin/drbd-helper")));
        assert!(!is_meant(OsStr::new("/sps")));
    }
}
