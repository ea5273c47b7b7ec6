//! The firmware that is installed: an ISO that was read into memory once and verified there as a whole.
//!
//! Invariant: what is installed is what was verified, byte for byte: a medium that changes its mind is not asked again. It is also read
//! once only, which is what takes long from a disc.

use std::io;

use sps_bootlog::causes;
use sps_image::esp::{self, EspError};
use sps_image::keys::Trust;
use sps_image::manifest::Manifest;
use sps_image::names;
use sps_image::release::Release;
use sps_image::source::Source;
use sps_image::verify::{self, Verified, VerifyError};
use thiserror::Error;
use tracing::{info, warn};

use crate::device::BlockDevice;
use crate::disks::{Content, Disk, probe, volume_size};

/// Largest ISO that is taken into memory: as much as a slot and a boot loader may ever need, and a machine of the least memory has.
const MOST: u64 = 128 << 20;

/// Why there is no firmware to install.
#[derive(Debug, Error)]
pub enum FirmwareError {
    /// No medium holds the firmware that is running.
    #[error("the medium this firmware was started from was not found: attach it again")]
    NoMedium,
    /// It was refused or could not be read.
    #[error("the firmware medium cannot be used: write the ISO to it again")]
    Verify(#[source] VerifyError),
    /// It could not be read.
    #[error("could not read the firmware medium: check the medium")]
    Read(#[source] io::Error),
    /// It is larger than any firmware.
    #[error(
        "the firmware medium says it holds {size} bytes, more than any firmware: write the ISO to it again"
    )]
    Size {
        /// Bytes it claims.
        size: u64,
    },
    /// The boot loader for UEFI could not be unpacked.
    #[error("the firmware medium has no usable boot loader: write the ISO to it again")]
    Loader(#[source] EspError),
    /// A file is not there.
    #[error("the firmware medium has no {name}: write the ISO to it again")]
    Missing {
        /// The file.
        name: String,
    },
}

/// A verified ISO.
pub struct Firmware {
    iso: Vec<u8>,
    verified: Verified,
    loader: Vec<u8>,
}

impl Firmware {
    /// Reads an ISO and verifies it as a whole. `source` may be longer than the ISO, as a stick is.
    ///
    /// # Errors
    /// When it is refused or cannot be read.
    pub fn open(source: &dyn Source, trust: &Trust) -> Result<Self, FirmwareError> {
        // One that is cut short is refused by name.
        let size = volume_size(source).map_or(source.size(), |size| size.min(source.size()));
        if size > MOST {
            return Err(FirmwareError::Size { size });
        }
        // Bounded above.
        let mut iso = vec![0; size as usize];
        source.read_at(0, &mut iso).map_err(FirmwareError::Read)?;
        let verified = verify::verify(&iso, trust).map_err(FirmwareError::Verify)?;
        let mut firmware = Self {
            iso,
            verified,
            loader: Vec::new(),
        };
        firmware.loader = esp::loader(firmware.file(names::DISK_EFI)?).map_err(FirmwareError::Loader)?;
        Ok(firmware)
    }

    /// The boot loader for UEFI.
    #[must_use]
    pub fn loader(&self) -> &[u8] {
        &self.loader
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.verified.manifest
    }

    /// A file of it: the manifest, its signature or a payload.
    ///
    /// # Errors
    /// When it is not there.
    pub fn file(&self, name: &str) -> Result<&[u8], FirmwareError> {
        let missing = || FirmwareError::Missing {
            name: name.to_owned(),
        };
        let extent = self.verified.files.files.get(name).ok_or_else(missing)?;
        // Verified extents lie within the ISO, whose length is a usize.
        let range = extent.offset as usize..extent.end() as usize;
        self.iso.get(range).ok_or_else(missing)
    }
}

/// Finds the medium this appliance was started from: it holds the running firmware's build. The first that passes is
/// opened; every disk that claims to be one is named, so that none is overwritten.
///
/// # Errors
/// When there is none, or none that can be verified.
pub fn find_medium(
    disks: &[Disk],
    release: &Release,
    trust: &Trust,
) -> Result<(Firmware, Vec<String>), FirmwareError> {
    let mut opened = Err(FirmwareError::NoMedium);
    let mut names = Vec::new();
    for disk in disks {
        let Ok(device) = BlockDevice::read_only(&disk.path) else {
            continue;
        };
        let Content::Firmware(medium) = probe(&device) else {
            continue;
        };
        if medium.build_id != release.build_id || medium.version != release.version {
            info!(
                "disk {} holds other firmware, version {}",
                disk.name, medium.version
            );
            continue;
        }
        names.push(disk.name.clone());
        if opened.is_err() {
            opened = Firmware::open(&device, trust);
        }
        if let Err(error) = &opened {
            warn!("disk {}: {}", disk.name, causes(error));
        }
    }
    opened.map(|firmware| (firmware, names))
}
