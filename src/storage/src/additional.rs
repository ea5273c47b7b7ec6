//! Disks that administrators attach for archives and backups: known by the label of their ext4, mounted for as long as a run takes.
//!
//! Never the appliance's own disk, whatever label is on it, and never one that something uses. Blocks as long as the disk does.

use std::path::{Path, PathBuf};

use sps_bootlog::causes;
use thiserror::Error;
use tracing::warn;

use crate::disks::{Disk, Use};
use crate::ext4::{self, Ext4Error, MountError, Mounted, Options, Superblock};
use crate::helper::Helpers;
use crate::medium::volumes;

/// Why a disk is not there.
#[derive(Debug, Error)]
pub enum AdditionalError {
    /// None has this label.
    #[error(
        "no disk with a file system ext4 labelled {label:?} is attached: attach it, or label it with e2label"
    )]
    None {
        /// The label.
        label: String,
    },
    /// Several have it.
    #[error("{first} and {second} are both labelled {label:?}: detach one, or give it another label")]
    Several {
        /// The label.
        label: String,
        /// One device.
        first: String,
        /// Another.
        second: String,
    },
    /// Something uses it.
    #[error("the disk {disk} labelled {label:?} is {used}: wait until that has ended")]
    Used {
        /// The label.
        label: String,
        /// The disk.
        disk: String,
        /// What uses it.
        used: Use,
    },
    /// Its file system is damaged.
    #[error("the file system labelled {label:?} cannot be used")]
    Check {
        /// The label.
        label: String,
        /// Why.
        #[source]
        source: Ext4Error,
    },
    /// It cannot be mounted.
    #[error("the file system labelled {label:?} cannot be used")]
    Mount {
        /// The label.
        label: String,
        /// Why.
        #[source]
        source: MountError,
    },
}

/// The device of the ext4 with this label, on one of `disks`.
///
/// # Errors
/// There is none, several, or it is in use.
pub fn find(disks: &[Disk], label: &str) -> Result<PathBuf, AdditionalError> {
    let mut found: Option<PathBuf> = None;
    for disk in disks {
        for (name, _) in labelled(disk, label) {
            if let Some(used) = &disk.in_use {
                return Err(AdditionalError::Used {
                    label: label.to_owned(),
                    disk: disk.name.clone(),
                    used: used.clone(),
                });
            }
            let path = Path::new("/dev").join(&name);
            if let Some(first) = &found {
                return Err(AdditionalError::Several {
                    label: label.to_owned(),
                    first: first.display().to_string(),
                    second: path.display().to_string(),
                });
            }
            found = Some(path);
        }
    }
    found.ok_or_else(|| AdditionalError::None {
        label: label.to_owned(),
    })
}

fn labelled(disk: &Disk, label: &str) -> Vec<(String, Superblock)> {
    let volumes = volumes(disk).map(|(_, volumes)| volumes).unwrap_or_default();
    let described = volumes
        .into_iter()
        .filter_map(|(name, volume)| Some((name, Superblock::read(&volume).ok()?)));
    described
        .filter(|(_, block)| block.label() == label.as_bytes())
        .collect()
}

/// Checks the file system with this label and mounts it for writing on `target`.
///
/// # Errors
/// It is not there, in use, or damaged.
pub fn mount(
    helpers: &Helpers,
    disks: &[Disk],
    label: &str,
    target: &Path,
) -> Result<Mounted, AdditionalError> {
    let device = find(disks, label)?;
    let checked = ext4::check(helpers, &device);
    checked.map_err(|source| AdditionalError::Check {
        label: label.to_owned(),
        source,
    })?;
    let mounted = ext4::mount(&device, target, Options::Writable);
    mounted.map_err(|source| AdditionalError::Mount {
        label: label.to_owned(),
        source,
    })
}

/// Unmounts a disk; that it is left mounted is told.
pub fn let_go(mounted: Mounted) {
    if let Err(error) = mounted.unmount() {
        warn!("{}", causes(&error));
    }
}
