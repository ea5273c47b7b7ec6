//! Mounting, with the flags that every file system of the appliance has: nothing on a disk is executed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount as mount_syscall, unmount};
use sps_bootlog::causes;
use thiserror::Error;
use tracing::warn;

use crate::device::{FREE_WITHIN, LOOK_AGAIN};

/// Flags of every mount.
const FLAGS: MountFlags = MountFlags::NOSUID
    .union(MountFlags::NODEV)
    .union(MountFlags::NOEXEC)
    .union(MountFlags::NOATIME);

/// Why something could not be mounted or unmounted.
#[derive(Debug, Error)]
pub enum MountError {
    /// The folder to mount on could not be made.
    #[error("could not make the folder {}", target.display())]
    Folder {
        /// Where.
        target: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The kernel refused.
    #[error("could not mount {} on {}", device.display(), target.display())]
    Mount {
        /// What.
        device: PathBuf,
        /// Where.
        target: PathBuf,
        /// The kernel's answer.
        #[source]
        source: Errno,
    },
    /// What was written could not be brought to the disk.
    #[error("could not write back {}; the disk may be failing", target.display())]
    Sync {
        /// Where it is mounted.
        target: PathBuf,
        /// The kernel's answer.
        #[source]
        source: Errno,
    },
    /// The kernel did not let go.
    #[error("could not unmount {}", target.display())]
    Unmount {
        /// Where it is mounted.
        target: PathBuf,
        /// The kernel's answer.
        #[source]
        source: Errno,
    },
}

/// How an ext4 is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Options {
    /// For writing; an error of the disk makes it read-only instead of spreading.
    Writable,
    /// For a look that changes nothing, not even by replaying the journal: what GRUB would see.
    Untouched,
}

/// A mounted file system. Unmounted when dropped; [`Mounted::unmount`] tells whether that worked.
#[derive(Debug)]
pub struct Mounted {
    target: PathBuf,
    mounted: bool,
}

/// Mounts an ext4 device on a folder, which is made if it is missing.
///
/// # Errors
/// When the folder cannot be made or the kernel refuses.
pub fn mount(device: &Path, target: &Path, options: Options) -> Result<Mounted, MountError> {
    fs::create_dir_all(target).map_err(|source| MountError::Folder {
        target: target.to_path_buf(),
        source,
    })?;
    let (flags, data) = match options {
        Options::Writable => (FLAGS, c"errors=remount-ro"),
        Options::Untouched => (FLAGS | MountFlags::RDONLY, c"noload"),
    };
    mount_syscall(device, target, "ext4", flags, data).map_err(|source| MountError::Mount {
        device: device.to_path_buf(),
        target: target.to_path_buf(),
        source,
    })?;
    Ok(Mounted {
        target: target.to_path_buf(),
        mounted: true,
    })
}

impl Mounted {
    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Brings everything written to the disk.
    ///
    /// # Errors
    /// When the disk did not take something, now or since the last call.
    pub fn sync(&self) -> Result<(), MountError> {
        let synced =
            open(&self.target, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).and_then(rustix::fs::syncfs);
        synced.map_err(|source| MountError::Sync {
            target: self.target.clone(),
            source,
        })
    }

    /// Syncs and unmounts.
    ///
    /// # Errors
    /// When something could not be written, or it is still in use; it then stays mounted.
    pub fn unmount(mut self) -> Result<(), MountError> {
        self.sync()?;
        self.let_go()
    }

    /// Leaves it mounted for the rest of the appliance's life; the exit unmounts it.
    pub fn leave(mut self) {
        self.mounted = false;
    }

    fn let_go(&mut self) -> Result<(), MountError> {
        let until = Instant::now() + FREE_WITHIN;
        loop {
            match unmount(&self.target, UnmountFlags::empty()) {
                Ok(()) => {
                    self.mounted = false;
                    return Ok(());
                }
                Err(Errno::BUSY) if Instant::now() < until => thread::sleep(LOOK_AGAIN),
                Err(source) => {
                    return Err(MountError::Unmount {
                        target: self.target.clone(),
                        source,
                    });
                }
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.mounted
            && let Err(error) = self.let_go()
        {
            warn!("{}", causes(&error));
        }
    }
}
