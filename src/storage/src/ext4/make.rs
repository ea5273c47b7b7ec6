//! Making and checking with e2fsprogs, growing by the kernel.
//!
//! Invariant: the features are named here, not taken from a configuration file or a version of e2fsprogs: a disk made by one
//! firmware is mounted by another, and GRUB reads `boot`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use sps_image::disk::file_systems;
use thiserror::Error;
use tracing::{info, warn};

use super::mount::Mounted;
use super::superblock::{Superblock, SuperblockError};
use crate::device::{BlockDevice, DeviceError};
use crate::helper::{HelperError, Helpers, Program};

/// Features of every ext4 of the appliance, on top of none. `metadata_csum_seed` lets a mounted file system take another UUID.
/// GRUB 2.06 of Debian 12 reads all of them; `orphan_file` it does not.
pub const FEATURES: &str = "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,\
    metadata_csum,metadata_csum_seed,sparse_super,large_file,huge_file,dir_nlink,extra_isize";

/// What a file system is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Firmware slots.
    Boot,
    /// This node's state.
    State,
    /// Everything replicated.
    Data,
}

impl Kind {
    /// Label; it informs people and identifies nothing. At most 16 bytes.
    const fn label(self) -> &'static str {
        match self {
            Self::Boot => "sps-boot",
            Self::State => "sps-state",
            Self::Data => "sps-data",
        }
    }
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Nothing to mend.
    Clean,
    /// Mended.
    Repaired,
}

/// Why a file system could not be made, checked or grown.
#[derive(Debug, Error)]
pub enum Ext4Error {
    /// It could not be made.
    #[error("could not make the file system {} on {}", kind.label(), device.display())]
    Make {
        /// What for.
        kind: Kind,
        /// Where.
        device: PathBuf,
        /// Why.
        #[source]
        source: HelperError,
    },
    /// The check itself failed.
    #[error("could not check the file system on {}", device.display())]
    Check {
        /// Where.
        device: PathBuf,
        /// Why.
        #[source]
        source: HelperError,
    },
    /// It has damage that cannot be mended without losing something.
    #[error("the file system on {} is damaged beyond automatic repair ({output}): install again and keep the data, or replace the disk", device.display())]
    Damaged {
        /// Where.
        device: PathBuf,
        /// What the check said.
        output: String,
    },
    /// There is none, nor a copy of its superblock.
    #[error("there is no file system on {} any more: restore the disk from a copy, or install again and erase everything", device.display())]
    Lost {
        /// Where.
        device: PathBuf,
    },
    /// The device could not be looked at.
    #[error("could not use the file system on {}", device.display())]
    Device {
        /// Where.
        device: PathBuf,
        /// Why.
        #[source]
        source: DeviceError,
    },
    /// There is no file system.
    #[error("could not read the file system on {}", device.display())]
    Superblock {
        /// Where.
        device: PathBuf,
        /// Why.
        #[source]
        source: SuperblockError,
    },
    /// It could not be made larger.
    #[error("could not make the file system on {} as large as its device", device.display())]
    Grow {
        /// Where.
        device: PathBuf,
        /// Why.
        #[source]
        source: Errno,
    },
    /// The root folder could not be opened.
    #[error("could not open {}", target.display())]
    Root {
        /// Where it is mounted.
        target: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It did not take another UUID.
    #[error("could not give the file system on {} another UUID", target.display())]
    Uuid {
        /// Where it is mounted.
        target: PathBuf,
        /// The kernel's answer.
        #[source]
        source: Errno,
    },
}

/// Makes an empty file system; what was there is gone. Its UUID is random, but that of `boot`, which gets one at the first boot.
///
/// # Errors
/// When mke2fs fails.
pub fn make(helpers: &Helpers, kind: Kind, device: &Path) -> Result<(), Ext4Error> {
    is_free(device)?;
    // -m 0: no reserve for root, since everything here is root. Lazy: the kernel zeroes the inode tables while it is mounted, so
    // that making a large one takes no longer than a small one.
    let mut options = match kind {
        Kind::Boot => file_systems::BOOT_ARGUMENTS.to_vec(),
        Kind::State | Kind::Data => vec!["-q", "-F", "-t", "ext4"],
    };
    options.extend([
        "-b",
        "4096",
        "-I",
        "256",
        "-m",
        "0",
        "-O",
        FEATURES,
        "-L",
        kind.label(),
    ]);
    // Who installs discards the disk as a whole; what is made at a first boot lies on a disk that was.
    options.extend(["-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1"]);
    if kind == Kind::Boot {
        options.extend(["-U", file_systems::TEMPLATE_BOOT_UUID]);
    }
    let arguments = options.iter().map(Path::new).chain([device]);
    let made = helpers.run(Program::Mke2fs, arguments);
    made.map(drop).map_err(|source| Ext4Error::Make {
        kind,
        device: device.to_path_buf(),
        source,
    })
}

/// Replays the journal and mends what can be mended without asking (`e2fsck -p`); the device must not be mounted.
///
/// # Errors
/// When it cannot be run, stalls, or finds more damage than it may mend.
pub fn check(helpers: &Helpers, device: &Path) -> Result<Checked, Ext4Error> {
    is_free(device)?;
    // -C 1: numbers on the output while it works, a sign of progress.
    let arguments = [Path::new("-p"), Path::new("-C"), Path::new("1"), device];
    let finished = helpers.run_any(Program::E2fsck, arguments);
    let finished = finished.map_err(|source| Ext4Error::Check {
        device: device.to_path_buf(),
        source,
    })?;
    // e2fsck(8): a sum of 1 corrected, 2 restart wanted, 4 left uncorrected, 8 and above failures of its own.
    match finished.status.code() {
        Some(0) => Ok(Checked::Clean),
        Some(1..=3) => {
            warn!(
                "file system on {} repaired: {}",
                device.display(),
                said(&finished.output)
            );
            Ok(Checked::Repaired)
        }
        Some(4..=7) => Err(Ext4Error::Damaged {
            device: device.to_path_buf(),
            output: said(&finished.output),
        }),
        // It has looked for the copies of the superblock too.
        _ if is_lost(device) => Err(Ext4Error::Lost {
            device: device.to_path_buf(),
        }),
        _ => Err(Ext4Error::Check {
            device: device.to_path_buf(),
            source: HelperError::Failed {
                program: Program::E2fsck,
                status: finished.status,
                output: finished.output,
            },
        }),
    }
}

/// Whether nothing uses the device; the programs would refuse at once where waiting a moment is enough.
/// Whether a device that can be read holds no file system.
fn is_lost(device: &Path) -> bool {
    let opened = BlockDevice::read_only(device);
    opened.is_ok_and(|device| matches!(Superblock::read(&device), Err(SuperblockError::Absent)))
}

fn is_free(device: &Path) -> Result<(), Ext4Error> {
    let opened = BlockDevice::exclusive(device);
    opened.map(drop).map_err(|source| Ext4Error::Device {
        device: device.to_path_buf(),
        source,
    })
}

/// What a check printed, without its progress: lines of four words that begin with a digit.
fn said(output: &str) -> String {
    let progress = |line: &str| line.starts_with(|first: char| first.is_ascii_digit());
    let lines = output
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !progress(line));
    lines.collect::<Vec<_>>().join("; ")
}

/// Makes a mounted file system as large as its device, when it is not; whether it had to. The kernel is asked itself: `resize2fs` wants
/// to write to the device, which a kernel without `CONFIG_BLK_DEV_WRITE_MOUNTED` refuses while it is mounted.
///
/// # Errors
/// When the device cannot be looked at or the kernel refuses.
pub fn grow(mounted: &Mounted, device: &Path) -> Result<bool, Ext4Error> {
    let path = || device.to_path_buf();
    let opened = BlockDevice::read_only(device).map_err(|source| Ext4Error::Device {
        device: path(),
        source,
    })?;
    let superblock = Superblock::read(&opened).map_err(|source| Ext4Error::Superblock {
        device: path(),
        source,
    })?;
    let room = sps_image::source::Source::size(&opened);
    drop(opened);
    if room - room % superblock.block <= superblock.size {
        return Ok(false);
    }
    info!(
        "file system on {} grows from {} to {room} bytes",
        device.display(),
        superblock.size
    );
    let grown = sps_sys::ext4::resize(root(mounted)?, room / superblock.block);
    grown.map_err(|source| Ext4Error::Grow {
        device: path(),
        source,
    })?;
    Ok(true)
}

fn root(mounted: &Mounted) -> Result<File, Ext4Error> {
    let target = mounted.target();
    File::open(target).map_err(|source| Ext4Error::Root {
        target: target.to_path_buf(),
        source,
    })
}

/// Gives a mounted file system another UUID.
///
/// # Errors
/// When the kernel refuses.
pub fn set_uuid(mounted: &Mounted, uuid: [u8; 16]) -> Result<(), Ext4Error> {
    sps_sys::ext4::set_uuid(root(mounted)?, uuid).map_err(|source| Ext4Error::Uuid {
        target: mounted.target().to_path_buf(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_not_what_a_check_says() {
        let output = "1 0 4 /dev/sda3\nsps-boot: recovering journal\n\n2 1 4 /dev/sda3\nsps-boot: clean\n";
        assert_eq!(said(output), "sps-boot: recovering journal; sps-boot: clean");
    }
}
