//! Freezing and thawing a file system: everything written before is then in its place and not only in the journal.
//!
//! A boot loader that never replays a journal (GRUB) sees a change only after this.

use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{NoArg, Opcode, ioctl, opcode};

/// `_IOWR('X', 119, int)` (include/uapi/linux/fs.h).
const FIFREEZE: Opcode = opcode::read_write::<i32>(b'X', 119);
/// `_IOWR('X', 120, int)` (include/uapi/linux/fs.h).
const FITHAW: Opcode = opcode::read_write::<i32>(b'X', 120);

/// Freezes the file system that `folder` lies on and thaws it at once. Needs `CAP_SYS_ADMIN`.
///
/// # Errors
/// The kernel's: no permission, a file system that cannot be frozen (`EOPNOTSUPP`), one that is frozen already
/// (`EBUSY`), an error while writing.
pub fn freeze_and_thaw(folder: impl AsFd) -> io::Result<()> {
    // SAFETY: FIFREEZE does not look at its argument (ioctl_fsfreeze of fs/ioctl.c).
    unsafe { ioctl(folder.as_fd(), NoArg::<FIFREEZE>::new()) }?;
    // SAFETY: FITHAW does not look at its argument (ioctl_fsthaw of fs/ioctl.c).
    unsafe { ioctl(folder.as_fd(), NoArg::<FITHAW>::new()) }?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_frozen_says_so() {
        // procfs has no journal and no freeze.
        let proc = std::fs::File::open("/proc").unwrap();
        assert!(freeze_and_thaw(&proc).is_err());
    }
}
