//! What only ext4 can be asked (`uapi/linux/ext4.h`).

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::ioctl::{Opcode, Setter, Updater, ioctl, opcode};

/// `EXT4_IOC_SETFSUUID`, `_IOW('f', 44, struct fsuuid)`; the flexible member does not count.
const SETFSUUID: Opcode = opcode::write::<[u32; 2]>(b'f', 44);

/// `EXT4_IOC_RESIZE_FS`, `_IOW('f', 16, __u64)`: blocks the file system shall have.
const RESIZE_FS: Opcode = opcode::write::<u64>(b'f', 16);

/// `struct fsuuid` with its sixteen bytes.
#[repr(C)]
struct FsUuid {
    len: u32,
    flags: u32,
    uuid: [u8; 16],
}

/// Gives a mounted file system another UUID, in every copy of its superblock. `root` is any file or folder of it.
///
/// # Errors
/// `OPNOTSUPP` when its checksums hang on the UUID (feature `metadata_csum` without `metadata_csum_seed`), `PERM`
/// without the right to administer, `NOTTY` when it is not ext4.
pub fn set_uuid(root: impl AsFd, uuid: [u8; 16]) -> Result<(), Errno> {
    let mut argument = FsUuid {
        len: 16,
        flags: 0,
        uuid,
    };
    // SAFETY: EXT4_IOC_SETFSUUID reads `struct fsuuid` and as many bytes after it as `len` says: sixteen, which
    // `FsUuid` holds.
    unsafe { ioctl(root, Updater::<SETFSUUID, FsUuid>::new(&mut argument)) }
}

/// Makes a mounted file system as large as `blocks` of its own blocks; the kernel takes as many of them as make whole groups. `root` is
/// any file or folder of it. A power cut leaves it as large as it was, or larger.
///
/// # Errors
/// `INVAL` when the device has not so many, `PERM` without the right to administer, `NOTTY` when it is not ext4.
pub fn resize(root: impl AsFd, blocks: u64) -> Result<(), Errno> {
    // SAFETY: EXT4_IOC_RESIZE_FS reads one `u64`.
    unsafe { ioctl(root, Setter::<RESIZE_FS, u64>::new(blocks)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ioctl_numbers_are_the_kernels() {
        assert_eq!(SETFSUUID, 0x4008_662c);
        assert_eq!(RESIZE_FS, 0x4008_6610);
    }
}
