//! A root that is empty and cannot be written.

use std::fs;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change, mount_move};
use rustix::process::{chdir, chroot};

use crate::shim::{Doing, Problem};

/// A folder that every system has.
const PLACE: &str = "/proc";
/// The first to go when memory is short.
const FIRST: &str = "1000";

/// Leaves every file behind. An initramfs cannot be the old root of `pivot_root(2)`; moving the new root over it serves both
/// there and elsewhere, and without capabilities nobody gets beneath it again.
pub(crate) fn leave_the_appliance() -> Result<(), Problem> {
    fs::write("/proc/self/oom_score_adj", FIRST).doing("become the first to go")?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).doing("keep mounts private")?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("none", PLACE, "tmpfs", flags, c"size=4k,nr_inodes=1,mode=0555").doing("make an empty root")?;
    chdir(PLACE).doing("enter the empty root")?;
    mount_move(".", "/").doing("move the empty root")?;
    chroot(".").doing("leave the old root")?;
    chdir("/").doing("leave the old root")?;
    let name = b"sandbox";
    rustix::system::sethostname(name).doing("forget the host name")?;
    Ok(())
}
