//! Finding the own disk, mending and growing its partition table.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sps_image::disk::layout::{Identity, Part};
use sps_image::disk::read::{self, Found, ReadError};
use sps_image::disk::table::{BLOCK_SIZE, NotAppliance, Table};
use sps_image::disk::write::{self, WriteError};
use sps_image::source::{Section, Source};
use thiserror::Error;
use tracing::{info, warn};

use super::choose::{Choice, Seen, choose};
use super::mark::Mark;
use super::partitions::{self, PartitionError};
use crate::device::{BlockDevice, DeviceError};
use crate::disks::{self, Disk, Scope};
use crate::ext4::Superblock;
use crate::uevents::BlockEvents;

/// Longest wait for the own disk to appear: controllers with many ports start their disks one after the other.
pub const WAIT: Duration = Duration::from_secs(10);

/// Why the appliance has no disk of its own.
#[derive(Debug, Error)]
pub enum OwnError {
    /// Device events cannot be heard.
    #[error("could not listen for disks")]
    Events(#[source] io::Error),
    /// No disk has the identity the boot loader was started from.
    #[error(
        "the disk this firmware was started from ({mark}) was not found{}",
        list(damaged)
    )]
    Absent {
        /// What the boot loader told of it.
        mark: Mark,
        /// Disks whose partition table cannot be believed, with the reason.
        damaged: Vec<String>,
    },
    /// More than one disk has it.
    #[error(
        "the disks {} have the same identity: one is a copy of the other; detach the copy and restart",
        names.join(" and ")
    )]
    Twice {
        /// Names of the disks.
        names: Vec<String>,
    },
    /// It cannot be opened for writing.
    #[error("the own disk cannot be used")]
    Open(#[from] DeviceError),
    /// Its table changed between two looks.
    #[error("the partition table of {disk} cannot be read")]
    Table {
        /// The disk.
        disk: String,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// A partition is missing.
    #[error("the partition table of {disk} is not an appliance's: install the firmware again")]
    NotAppliance {
        /// The disk.
        disk: String,
        /// Which partition.
        #[source]
        source: NotAppliance,
    },
    /// The table could not be written.
    #[error("could not write the partition table of {disk}; the disk may be failing: replace it")]
    Write {
        /// The disk.
        disk: String,
        /// What.
        #[source]
        source: WriteError,
    },
    /// The kernel does not take the partitions.
    #[error("the partitions of the own disk cannot be used: restart")]
    Kernel(#[from] PartitionError),
}

/// The end of the sentence that says what else was seen.
fn list(damaged: &[String]) -> String {
    if damaged.is_empty() {
        return ": check that it is attached".to_owned();
    }
    format!(": {}", damaged.join("; "))
}

/// The own disk, open. Its partition table is good in both copies and as large as the disk.
#[derive(Debug)]
pub struct OwnDisk {
    disk: Disk,
    device: BlockDevice,
    table: Table,
    first_block: [u8; BLOCK_SIZE],
    mended: bool,
}

impl OwnDisk {
    /// Finds the disk with this mark (kernel parameter `sps.disk`), waiting at most `wait` for it, mends and grows its partition
    /// table and tells the kernel. Blocking.
    ///
    /// # Errors
    /// When it is not there, there twice, or cannot be read or written.
    pub fn open(mark: Mark, wait: Duration, scope: Scope) -> Result<Self, OwnError> {
        let disk = find(mark, wait, scope)?;
        Self::take(disk)
    }

    /// Takes this disk as the own one.
    ///
    /// # Errors
    /// When it is not an appliance's or cannot be read or written.
    pub fn take(disk: Disk) -> Result<Self, OwnError> {
        let device = BlockDevice::shared(&disk.path)?;
        let found = read::read(&device).map_err(|source| OwnError::Table {
            disk: disk.name.clone(),
            source,
        })?;
        found
            .table
            .check_appliance()
            .map_err(|source| OwnError::NotAppliance {
                disk: disk.name.clone(),
                source,
            })?;
        let mut own = Self {
            disk,
            device,
            first_block: found.first_block,
            table: found.table.clone(),
            mended: found.needs_mending(),
        };
        own.mend_and_grow(&found)?;
        partitions::tell_kernel(&own.disk, &own.device, &partitions::wanted(&own.table))?;
        Ok(own)
    }

    fn mend_and_grow(&mut self, found: &Found) -> Result<(), OwnError> {
        if let Some(grown) = found.table.grown(self.device.size()) {
            info!(
                "disk {} has grown from {} to {} bytes; its last partition takes the room",
                self.disk.name,
                found.table.disk_size(),
                grown.disk_size()
            );
            return self.replace_table(grown);
        }
        if found.needs_mending() {
            warn!(
                "disk {}: one copy of the partition table was damaged ({:?}) and is written again",
                self.disk.name, found.copies
            );
            return self.replace_table(found.table.clone());
        }
        Ok(())
    }

    fn replace_table(&mut self, table: Table) -> Result<(), OwnError> {
        let written = write::write(&mut self.device, &table, &self.first_block);
        written.map_err(|source| OwnError::Write {
            disk: self.disk.name.clone(),
            source,
        })?;
        self.table = table;
        Ok(())
    }

    /// Gives disk and partitions other GUIDs: the commit point of the first boot.
    ///
    /// # Errors
    /// When the table cannot be written; the disk then has the old identity or the new one.
    pub(crate) fn take_identity(&mut self, identity: &Identity) -> Result<(), OwnError> {
        self.replace_table(self.table.with_identity(identity))
    }

    /// Whether one copy of its partition table was damaged when it was opened.
    #[must_use]
    pub fn was_mended(&self) -> bool {
        self.mended
    }

    /// Whether it waits for its first boot.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.table.is_fresh()
    }

    /// What the kernel knows of it.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Its partition table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The file in `/dev` of a partition.
    #[must_use]
    pub fn partition(&self, part: Part) -> PathBuf {
        self.disk.partition(part.number())
    }
}

fn find(mark: Mark, wait: Duration, scope: Scope) -> Result<Disk, OwnError> {
    let deadline = Instant::now() + wait;
    let events = BlockEvents::listen().map_err(OwnError::Events)?;
    loop {
        let mut disks = disks::list(scope);
        let seen: Vec<Seen> = disks.iter().map(|disk| look(&disk.name, &disk.path)).collect();
        match choose(mark, &seen) {
            Choice::Found(at) => return Ok(disks.swap_remove(at)),
            Choice::Twice(names) => return Err(OwnError::Twice { names }),
            Choice::Absent(damaged) => {
                if !events.wait_until(deadline).map_err(OwnError::Events)? {
                    return Err(OwnError::Absent { mark, damaged });
                }
            }
        }
    }
}

/// Reads the tables of one disk; one that cannot be opened or read has none.
fn look(name: &str, path: &Path) -> Seen {
    let mut seen = Seen {
        name: name.to_owned(),
        esp: None,
        boot: None,
        damage: None,
    };
    let Ok(device) = BlockDevice::read_only(path) else {
        return seen;
    };
    match read::read(&device) {
        Ok(found) if found.table.check_appliance().is_err() => {}
        Ok(found) => {
            seen.esp = found.table.entry(Part::Esp).ok().map(|entry| entry.guid);
            let boot = found.table.entry(Part::Boot).ok();
            seen.boot = boot.and_then(|entry| {
                let part = Section::new(&device, entry.extent());
                Superblock::read(&part).ok().map(|superblock| superblock.uuid)
            });
        }
        Err(ReadError::Absent) => {}
        Err(error) => seen.damage = Some(error.to_string()),
    }
    seen
}
