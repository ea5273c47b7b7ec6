//! Puts an installed disk together from a firmware ISO.
//!
//! Invariants: only a firmware that verifies gets onto a disk; the disk has the template's identity, so that its first
//! boot makes its own; `state`, `meta` and `data` are left blank for that first boot.

use std::io;

use thiserror::Error;

use super::boot::{self, BootError, Workshop};
use crate::boot_control::{Control, SlotNumber};
use crate::disk::layout::{DiskTooSmall, Identity, Layout, Part};
use crate::disk::sparse::Sparse;
use crate::disk::table::{BLOCK_SIZE, Table};
use crate::disk::write::{self, Device, WriteError};
use crate::esp::{self, DiskFiles, EspError};
use crate::keys::Trust;
use crate::names;
use crate::release::Release;
use crate::source::{self, Source};
use crate::verify::{self, Verified, VerifyError};

/// An installed disk.
#[derive(Clone, Debug)]
pub struct Disk {
    /// Its bytes.
    pub content: Sparse,
    /// The firmware in its first slot.
    pub release: Release,
}

/// Why a disk could not be put together.
#[derive(Debug, Error)]
pub enum DiskError {
    /// The firmware is not good.
    #[error("the firmware to install is not good")]
    Verify(#[from] VerifyError),
    /// A file of the firmware cannot be read.
    #[error("cannot read {name} of the firmware")]
    Read {
        /// The file.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The size asked for is too small.
    #[error(transparent)]
    Size(#[from] DiskTooSmall),
    /// The boot sector of the firmware is no sector.
    #[error("the firmware's boot sector for disks has {size} bytes, not {BLOCK_SIZE}")]
    BootSector {
        /// Bytes it has.
        size: usize,
    },
    /// The EFI system partition could not be made.
    #[error(transparent)]
    Esp(#[from] EspError),
    /// The file system for the slots could not be made.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A part does not fit its partition.
    #[error("{} does not fit its partition", part.name())]
    Place {
        /// The partition.
        part: Part,
        /// What does not fit.
        source: io::Error,
    },
    /// The partition table could not be written.
    #[error(transparent)]
    Table(#[from] WriteError),
}

/// Puts a disk of `size` bytes together from a firmware ISO signed by a key of `trust`.
///
/// # Errors
/// When the firmware is not good, the size too small or a program of e2fsprogs fails.
pub fn assemble(
    iso: &(impl Source + ?Sized),
    trust: &Trust,
    size: u64,
    workshop: &Workshop<'_>,
) -> Result<Disk, DiskError> {
    let layout = Layout::for_size(size)?;
    let verified = verify::verify(iso, trust)?;
    let firmware = Firmware { iso, verified };
    let mut content = Sparse::new(layout.disk_size());
    let at = |part: Part| layout.extent(part).offset;
    let misplaced = |part| move |source| DiskError::Place { part, source };
    let core = firmware.file(names::DISK_CORE)?;
    content
        .write_at(at(Part::Bios), &core)
        .map_err(misplaced(Part::Bios))?;
    let esp = esp::disk(&DiskFiles {
        loader: &esp::loader(&firmware.file(names::DISK_EFI)?)?,
        config: &firmware.file(names::DISK_GRUB_CONFIG)?,
        control: Control::installed(SlotNumber::FIRST),
    })?;
    content.place(at(Part::Esp), &esp).map_err(misplaced(Part::Esp))?;
    let boot = boot::make(&firmware.slot()?, firmware.verified.release.build_time, workshop)?;
    content
        .place(at(Part::Boot), &boot)
        .map_err(misplaced(Part::Boot))?;
    let table = Table::new(&layout, &Identity::TEMPLATE);
    write::write(&mut content, &table, &firmware.boot_sector()?)?;
    Ok(Disk {
        content,
        release: firmware.verified.release,
    })
}

struct Firmware<'a, S: Source + ?Sized> {
    iso: &'a S,
    verified: Verified,
}

impl<S: Source + ?Sized> Firmware<'_, S> {
    fn file(&self, name: &str) -> Result<Vec<u8>, DiskError> {
        let failed = |source| DiskError::Read {
            name: name.to_owned(),
            source,
        };
        let extent = self.verified.files.files.get(name);
        let extent = extent.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        source::read(self.iso, *extent).map_err(failed)
    }

    /// The files of a slot in the order they are written: the signature last, with it the slot is complete.
    fn slot(&self) -> Result<Vec<(&str, Vec<u8>)>, DiskError> {
        let payloads = self
            .verified
            .manifest
            .payloads
            .iter()
            .map(|payload| payload.name.as_str());
        let names = payloads.filter(|name| names::slot_name(name).is_some());
        names
            .chain([names::MANIFEST, names::SIGNATURE])
            .filter_map(|name| Some((names::slot_name(name)?, name)))
            .map(|(short, name)| Ok((short, self.file(name)?)))
            .collect()
    }

    fn boot_sector(&self) -> Result<[u8; BLOCK_SIZE], DiskError> {
        let bytes = self.file(names::DISK_BOOT)?;
        let size = bytes.len();
        bytes.try_into().map_err(|_| DiskError::BootSector { size })
    }
}
