//! The kernel's file systems, mounted first of all. The table below is the whole list.

use std::fs;
use std::io;
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use thiserror::Error;
use tracing::{debug, warn};

/// Why a file system the boot needs is not there.
#[derive(Debug, Error)]
pub enum MountError {
    /// The kernel refused the mount.
    #[error("could not mount {kind} on {target}; the kernel may lack it: see kernel-config/")]
    Mount {
        /// File system type.
        kind: &'static str,
        /// Where.
        target: &'static str,
        /// The kernel's answer.
        #[source]
        source: Errno,
    },
    /// The folder to mount on could not be made.
    #[error("could not make the folder {target}")]
    Folder {
        /// Where.
        target: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

struct Mount {
    kind: &'static str,
    target: &'static str,
    flags: MountFlags,
    options: &'static str,
    needed: bool,
}

const PLAIN: MountFlags = MountFlags::NOSUID
    .union(MountFlags::NODEV)
    .union(MountFlags::NOEXEC);
const DEVICES: MountFlags = MountFlags::NOSUID.union(MountFlags::NOEXEC);

#[rustfmt::skip]
const MOUNTS: &[Mount] = &[
    Mount { kind: "proc",       target: "/proc",                      flags: PLAIN,   options: "",                  needed: true },
    Mount { kind: "sysfs",      target: "/sys",                       flags: PLAIN,   options: "",                  needed: true },
    Mount { kind: "devtmpfs",   target: "/dev",                       flags: DEVICES, options: "mode=0755",         needed: true },
    Mount { kind: "devpts",     target: "/dev/pts",                   flags: DEVICES, options: "mode=0600",         needed: false },
    Mount { kind: "tmpfs",      target: "/dev/shm",                   flags: PLAIN,   options: "mode=1777,size=16m", needed: false },
    Mount { kind: "tmpfs",      target: "/run",                       flags: PLAIN,   options: "mode=0755,size=16m", needed: true },
    Mount { kind: "tmpfs",      target: "/tmp",                       flags: PLAIN,   options: "mode=1777,size=64m", needed: true },
    Mount { kind: "cgroup2",    target: "/sys/fs/cgroup",             flags: PLAIN,   options: "",                  needed: false },
    Mount { kind: "securityfs", target: "/sys/kernel/security",       flags: PLAIN,   options: "",                  needed: false },
    Mount { kind: "pstore",     target: "/sys/fs/pstore",             flags: PLAIN,   options: "",                  needed: false },
    Mount { kind: "efivarfs",   target: "/sys/firmware/efi/efivars",  flags: PLAIN,   options: "",                  needed: false },
];

/// Mounts the table. What is already mounted stays; what is not needed for a boot may be missing (a machine
/// booted by BIOS has no EFI variables).
///
/// # Errors
/// When a file system that the boot needs cannot be mounted.
pub fn mount_early() -> Result<(), MountError> {
    for entry in MOUNTS {
        if let Err(error) = mount_one(entry) {
            if entry.needed {
                return Err(error);
            }
            debug!("{error}");
        }
    }
    Ok(())
}

fn mount_one(entry: &Mount) -> Result<(), MountError> {
    let Mount { kind, target, .. } = *entry;
    // Folders below /sys are the kernel's: where one is missing, so is what would be mounted there.
    if !target.starts_with("/sys/") {
        fs::create_dir_all(target).map_err(|source| MountError::Folder { target, source })?;
    }
    let options = std::ffi::CString::new(entry.options).unwrap_or_default();
    match mount(kind, target, kind, entry.flags, options.as_c_str()) {
        Ok(()) | Err(Errno::BUSY) => Ok(()),
        Err(source) => Err(MountError::Mount { kind, target, source }),
    }
}

/// Gives back the memory of the early microcode: the kernel takes it from the archive before there is a root, and
/// then unpacks the archive into the root like any other (`kernel/x86/microcode`, 15 MB).
///
/// # Errors
/// When the files are there and cannot be removed.
pub fn drop_microcode() -> io::Result<()> {
    match fs::remove_dir_all("/kernel") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Mount points in force, newest first, from `/proc/self/mounts`; for the exit, which unmounts them.
#[must_use]
pub fn mounted() -> Vec<String> {
    let Ok(table) = fs::read_to_string(Path::new("/proc/self/mounts")) else {
        warn!("could not read /proc/self/mounts; nothing will be unmounted by name");
        return Vec::new();
    };
    parse_mounts(&table)
}

fn parse_mounts(table: &str) -> Vec<String> {
    let mut points: Vec<_> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .map(unescape)
        .collect();
    points.reverse();
    points
}

/// The kernel writes space, tab, line feed and backslash as three octal digits.
fn unescape(field: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(field.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_come_newest_first_and_unescaped() {
        let table = "proc /proc proc rw 0 0\n/dev/sda1 /mnt/my\\040disk ext4 rw 0 0\n";
        assert_eq!(parse_mounts(table), ["/mnt/my disk", "/proc"]);
    }

    #[test]
    fn the_table_mounts_parents_before_children() {
        for (index, entry) in MOUNTS.iter().enumerate() {
            let later_parent = MOUNTS[index + 1..]
                .iter()
                .find(|m| Path::new(entry.target).starts_with(m.target));
            assert!(
                later_parent.is_none(),
                "{} is hidden by a later mount",
                entry.target
            );
        }
    }
}
