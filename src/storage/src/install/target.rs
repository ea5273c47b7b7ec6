//! The disk that is written: cleared first, and without a partition table until the end.
//!
//! Boot loader parts are written and read through the whole disk, file systems through their partitions: the kernel caches the two apart,
//! and no byte may be touched through both.

use std::io;
use std::time::{Duration, Instant};

use sps_image::disk::layout::{ALIGN, Layout, Part};
use sps_image::disk::table::Table;
use sps_image::disk::write::Device;
use sps_image::source::{Extent, Source};
use sps_sys::block;
use thiserror::Error;
use tracing::debug;

use crate::device::{BlockDevice, DeviceError};
use crate::disks::Disk;
use crate::own::{PartitionError, tell_kernel, wanted};

/// Bytes blanked at the beginning and the end of what may hold an old signature: more than any file system, array or partition table
/// puts there.
const EDGE: u64 = ALIGN;
/// Bytes discarded at once: some disks take seconds for a gigabyte.
const DISCARD_AT_ONCE: u64 = 1 << 30;
/// Time for discarding; it only helps the disk, so it may be cut short.
const DISCARD_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of the beginning of the EFI system partition without which no firmware finds a file system there.
pub(super) const ESP_HEAD: u64 = 64 * 1024;
/// Bytes of the boot code in the first block, without which no BIOS starts the disk (UEFI specification, 5.2.1).
const BOOT_CODE: usize = 440;

/// Why the disk could not be written.
#[derive(Debug, Error)]
pub enum TargetError {
    /// It could not be opened.
    #[error("the disk cannot be used")]
    Open(#[from] DeviceError),
    /// The kernel keeps its old partitions.
    #[error("the old partitions of the disk are still in use: restart and install again")]
    Kernel(#[from] PartitionError),
    /// A write failed.
    #[error("could not write {what} on {disk}: the disk may be failing, use another")]
    Write {
        /// The disk.
        disk: String,
        /// What was written.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A read failed.
    #[error("could not read back {what} from {disk}: the disk may be failing, use another")]
    Read {
        /// The disk.
        disk: String,
        /// What was read.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What was read is not what was written.
    #[error("{what} reads back differently from {disk}: the disk is failing, use another")]
    Differs {
        /// The disk.
        disk: String,
        /// What was read.
        what: &'static str,
    },
}

/// The disk.
pub(super) struct Target {
    pub(super) disk: Disk,
    pub(super) device: BlockDevice,
}

impl Target {
    /// Opens the disk; clearing must come first, which takes it exclusively.
    pub(super) fn open(disk: &Disk) -> Result<Self, TargetError> {
        Ok(Self {
            disk: disk.clone(),
            device: BlockDevice::shared(&disk.path)?,
        })
    }

    /// Blanks everything old that could be mistaken for something, the old tables first.
    pub(super) fn clear_all(disk: &Disk, layout: &Layout) -> Result<(), TargetError> {
        let mut device = BlockDevice::exclusive(&disk.path)?;
        let edges = old_signatures(layout, device.size());
        let cleared = edges
            .iter()
            .try_for_each(|edge| block::zero_out(&device, edge.offset, edge.size).map_err(io::Error::from));
        cleared
            .and_then(|()| device.sync())
            .map_err(|source| TargetError::Write {
                disk: disk.name.clone(),
                what: "zeros over old signatures",
                source,
            })?;
        discard(&device);
        Ok(())
    }

    /// Takes away what makes the disk bootable and leaves everything else.
    pub(super) fn clear_loader(disk: &Disk, layout: &Layout) -> Result<(), TargetError> {
        let mut device = BlockDevice::exclusive(&disk.path)?;
        let esp = layout.extent(Part::Esp).offset;
        let head = vec![0; ESP_HEAD as usize];
        let cleared = device
            .write_at(0, &[0; BOOT_CODE])
            .and_then(|()| device.write_at(esp, &head))
            .and_then(|()| device.sync());
        cleared.map_err(|source| TargetError::Write {
            disk: disk.name.clone(),
            what: "zeros over the boot loader",
            source,
        })
    }

    /// Lets the kernel see the partitions of a table that need not be on the disk.
    pub(super) fn show(&self, table: &Table) -> Result<(), TargetError> {
        Ok(tell_kernel(&self.disk, &self.device, &wanted(table))?)
    }

    pub(super) fn write(&mut self, what: &'static str, offset: u64, bytes: &[u8]) -> Result<(), TargetError> {
        let written = self.device.write_at(offset, bytes);
        written.map_err(|source| self.write_failed(what, source))
    }

    pub(super) fn sync(&mut self, what: &'static str) -> Result<(), TargetError> {
        let synced = self.device.sync();
        synced.map_err(|source| self.write_failed(what, source))
    }

    /// Makes the next reads come from the medium.
    pub(super) fn forget(&self) -> Result<(), TargetError> {
        let forgotten = self.device.forget_cache();
        forgotten.map_err(|source| self.write_failed("what was still in memory", source))
    }

    /// Compares what is on the disk with what was written.
    pub(super) fn compare(&self, what: &'static str, offset: u64, bytes: &[u8]) -> Result<(), TargetError> {
        let mut found = vec![0; bytes.len()];
        let read = self.device.read_at(offset, &mut found);
        read.map_err(|source| TargetError::Read {
            disk: self.disk.name.clone(),
            what,
            source,
        })?;
        if found == bytes {
            return Ok(());
        }
        Err(self.differs(what))
    }

    pub(super) fn differs(&self, what: &'static str) -> TargetError {
        TargetError::Differs {
            disk: self.disk.name.clone(),
            what,
        }
    }

    fn write_failed(&self, what: &'static str, source: io::Error) -> TargetError {
        TargetError::Write {
            disk: self.disk.name.clone(),
            what,
            source,
        }
    }
}

/// Where old signatures may lie: beginning and end of the disk, the loader's partitions, and the edges of those whose content is made at
/// the first boot. `boot` gets a file system of its own.
fn old_signatures(layout: &Layout, size: u64) -> Vec<Extent> {
    let size = size - size % sps_image::disk::layout::BLOCK;
    let mut extents = vec![
        Extent {
            offset: 0,
            size: EDGE,
        },
        Extent {
            offset: size - EDGE,
            size: EDGE,
        },
        layout.extent(Part::Bios),
        Extent {
            offset: layout.extent(Part::Esp).offset,
            size: EDGE,
        },
    ];
    for part in [Part::State, Part::Meta, Part::Data] {
        let extent = layout.extent(part);
        extents.push(Extent {
            offset: extent.offset,
            size: EDGE,
        });
        extents.push(Extent {
            offset: extent.end() - EDGE,
            size: EDGE,
        });
    }
    extents
}

/// Tells the disk that nothing on it is of use, for a while; a disk that cannot is no worse for it.
fn discard(device: &BlockDevice) {
    let until = Instant::now() + DISCARD_WITHIN;
    let mut offset = 0;
    while offset < device.size() && Instant::now() < until {
        let length = DISCARD_AT_ONCE.min(device.size() - offset);
        if let Err(error) = block::discard(device, offset, length) {
            debug!("{} does not discard: {error}", device.path().display());
            return;
        }
        offset += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sps_image::disk::layout::LEAST_DISK;

    #[test]
    fn blanking_keeps_to_the_disk_and_spares_the_firmware() {
        let layout = Layout::for_size(LEAST_DISK).unwrap();
        let boot = layout.extent(Part::Boot);
        for edge in old_signatures(&layout, LEAST_DISK) {
            assert!(edge.end() <= LEAST_DISK, "{edge:?}");
            assert!(edge.end() <= boot.offset || edge.offset >= boot.end(), "{edge:?}");
        }
    }
}
