//! The firmware that is installed: an ISO that was verified as a whole, read again piece by piece.
//!
//! Invariant: nothing is taken from it whose digest is not in the signed manifest; what is read again is hashed again, because a
//! medium may change its mind or be changed.

use std::io;

use sps_bootlog::causes;
use sps_image::hex::Sha256Digest;
use sps_image::keys::Trust;
use sps_image::manifest::Manifest;
use sps_image::names;
use sps_image::release::Release;
use sps_image::source::{Extent, Source};
use sps_image::verify::{self, Verified, VerifyError};
use thiserror::Error;
use tracing::{info, warn};

use crate::device::BlockDevice;
use crate::disks::{Content, Disk, Window, probe, volume_size};

/// Largest payload that is read into memory: GRUB's parts are a few hundred kilobytes.
const MOST_IN_MEMORY: u64 = 16 << 20;

/// Why there is no firmware to install.
#[derive(Debug, Error)]
pub enum FirmwareError {
    /// No medium holds the firmware that is running.
    #[error("the medium this firmware was started from was not found: attach it again")]
    NoMedium,
    /// It was refused or could not be read.
    #[error("the firmware medium cannot be used: write the ISO to it again")]
    Verify(#[source] VerifyError),
    /// A file could not be read.
    #[error("could not read {name} from the firmware medium: check the medium")]
    Read {
        /// The file.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not there or too large.
    #[error("the firmware medium has no usable {name}")]
    Missing {
        /// The file.
        name: &'static str,
    },
    /// A file was not the one that had been verified.
    #[error("{name} changed between two reads of the firmware medium: the medium is failing, use another")]
    Changed {
        /// The file.
        name: String,
    },
}

/// A verified ISO.
pub struct Firmware {
    source: Box<dyn Source + Send>,
    verified: Verified,
    manifest: Vec<u8>,
    signature: Vec<u8>,
}

impl Firmware {
    /// Verifies an ISO as a whole: every byte of it is read. `source` may be longer than the ISO, as a stick is.
    ///
    /// # Errors
    /// When it is refused or cannot be read.
    pub fn open(source: Box<dyn Source + Send>, trust: &Trust) -> Result<Self, FirmwareError> {
        let size = volume_size(&*source).unwrap_or_else(|| source.size());
        let verified = verify::verify(&Window::new(&*source, size), trust).map_err(FirmwareError::Verify)?;
        let mut firmware = Self {
            source,
            verified,
            manifest: Vec::new(),
            signature: Vec::new(),
        };
        firmware.manifest = firmware.bytes(names::MANIFEST)?;
        firmware.signature = firmware.bytes(names::SIGNATURE)?;
        let signature = sps_image::keys::Signature::parse(&firmware.signature).ok();
        let key = &firmware.verified.key;
        if !signature.is_some_and(|signature| key.verifies(&firmware.manifest, &signature)) {
            return Err(FirmwareError::Changed {
                name: names::MANIFEST.to_owned(),
            });
        }
        Ok(firmware)
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.verified.manifest
    }

    /// The exact bytes of the manifest and of its signature.
    #[must_use]
    pub fn signed(&self) -> (&[u8], &[u8]) {
        (&self.manifest, &self.signature)
    }

    /// Reads a payload into memory and checks it.
    ///
    /// # Errors
    /// When it is not there, cannot be read or has changed.
    pub fn payload(&self, name: &'static str) -> Result<Vec<u8>, FirmwareError> {
        let bytes = self.bytes(name)?;
        let signed = self.manifest().payload(name);
        if signed.is_none_or(|payload| payload.sha256 != Sha256Digest::of(&bytes)) {
            return Err(FirmwareError::Changed {
                name: name.to_owned(),
            });
        }
        Ok(bytes)
    }

    fn bytes(&self, name: &'static str) -> Result<Vec<u8>, FirmwareError> {
        let extent = self.extent(name).filter(|extent| extent.size <= MOST_IN_MEMORY);
        let extent = extent.ok_or(FirmwareError::Missing { name })?;
        // Bounded above.
        let mut bytes = vec![0; extent.size as usize];
        self.read_at(name, extent.offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Where a file lies.
    #[must_use]
    pub(crate) fn extent(&self, name: &str) -> Option<Extent> {
        self.verified.files.files.get(name).copied()
    }

    /// Reads bytes of a file, which the caller hashes.
    pub(crate) fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<(), FirmwareError> {
        self.source
            .read_at(offset, buffer)
            .map_err(|source| FirmwareError::Read {
                name: name.to_owned(),
                source,
            })
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
            opened = Firmware::open(Box::new(device), trust);
        }
        if let Err(error) = &opened {
            warn!("disk {}: {}", disk.name, causes(error));
        }
    }
    opened.map(|firmware| (firmware, names))
}
