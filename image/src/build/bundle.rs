//! Assembles a firmware ISO from its parts.
//!
//! Invariant: parts and description decide every byte; the build id is a digest of both. Works in memory: no
//! files, no clock, no processes.

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::grub::Grub;
use super::menus;
use super::seal::{self, Payloads, Seal, SealError};
use crate::day::Day;
use crate::disk::file_systems::SLOT_LIMIT;
use crate::esp::{self, EspError};
use crate::hex::{self, Sha256Digest};
use crate::keys::SecretKey;
use crate::manifest::{self, ImageDigest, Manifest};
use crate::names;
use crate::release::{self, Release};
use crate::upgrade_path::Rule;
use crate::version::Version;

/// Bytes of the digest that name a build.
pub(super) const BUILD_ID_SIZE: usize = 8;

/// The bytes a firmware is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// bzImage.
    pub kernel: Vec<u8>,
    /// Compressed root file system.
    pub initramfs: Vec<u8>,
    /// Early microcode archive, if any.
    pub microcode: Option<Vec<u8>>,
    /// CycloneDX JSON.
    pub sbom: Vec<u8>,
    /// Boot loader.
    pub grub: Grub,
}

/// What a firmware is.
#[derive(Clone, Debug)]
pub struct Description {
    /// Version; the channel follows.
    pub version: Version,
    /// Seconds since 1970; every date in the image.
    pub build_time: u64,
    /// What the source says of it.
    pub firmware: Firmware,
    /// Faults for tests; development builds only.
    pub faults: Vec<String>,
}

/// What the source says of a firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// Number of the data layout.
    pub data_layout: u32,
    /// Protocol between boot loader and firmware.
    pub boot_protocol: u32,
    /// Supported hardware types.
    pub hardware: Vec<String>,
    /// From which versions it may be reached.
    pub upgrade_from: Vec<Rule>,
    /// Last day of support, if it is fixed.
    pub supported_until: Option<Day>,
    /// What an administrator must know before upgrading.
    pub upgrade_notes: String,
    /// What is new.
    pub upgrade_news: String,
}

/// Why a firmware could not be assembled.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The EFI system partition could not be made.
    #[error(transparent)]
    Esp(#[from] EspError),
    /// The files of a slot are too large.
    #[error(
        "a slot would have {size} bytes, {SLOT_LIMIT} are allowed: make the firmware smaller, for the partition of installed \
         appliances cannot grow"
    )]
    SlotTooLarge {
        /// Bytes of its files.
        size: u64,
    },
    /// The image could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Assembles and signs the ISO.
///
/// # Errors
/// When a part does not fit or the description breaks a rule.
pub fn assemble(parts: Parts, description: &Description, key: &SecretKey) -> Result<Vec<u8>, BundleError> {
    let boot_code = parts.grub.boot_code.clone();
    let release = release(&parts, description, key);
    let manifest = manifest(&release, &description.firmware);
    let payloads = payloads(parts, &release, key)?;
    check_slot(&payloads)?;
    Ok(seal::seal(
        &Seal {
            manifest,
            boot_code: &boot_code,
            key,
        },
        &payloads,
    )?)
}

fn release(parts: &Parts, description: &Description, key: &SecretKey) -> Release {
    Release {
        format: release::FORMAT,
        product: names::PRODUCT.to_owned(),
        version: description.version,
        channel: description.version.channel(),
        build_id: build_id(parts, description),
        build_time: description.build_time,
        development: key.public().is_development(),
        faults: description.faults.clone(),
    }
}

fn manifest(release: &Release, firmware: &Firmware) -> Manifest {
    Manifest {
        format: manifest::FORMAT,
        product: release.product.clone(),
        version: release.version,
        channel: release.channel,
        build_id: release.build_id.clone(),
        build_time: release.build_time,
        development: release.development,
        data_layout: firmware.data_layout,
        boot_protocol: firmware.boot_protocol,
        hardware: firmware.hardware.clone(),
        upgrade_notes: firmware.upgrade_notes.clone(),
        upgrade_news: firmware.upgrade_news.clone(),
        upgrade_from: firmware.upgrade_from.clone(),
        supported_until: firmware.supported_until,
        image: ImageDigest {
            size: 0,
            sha256: Sha256Digest::new([0; hex::DIGEST_SIZE]),
        },
        payloads: Vec::new(),
    }
}

fn payloads(parts: Parts, release: &Release, key: &SecretKey) -> Result<Payloads, BundleError> {
    let efi_image = esp::medium(&parts.grub.efi)?;
    let mut payloads = Payloads::from([
        (names::KERNEL.to_owned(), parts.kernel),
        (names::INITRAMFS.to_owned(), parts.initramfs),
        (names::RELEASE.to_owned(), seal::pack_release(release, key)?),
        (names::SBOM.to_owned(), parts.sbom),
        (names::KERNEL_ENVIRONMENT.to_owned(), menus::kernel_environment()),
        (names::GRUB_CONFIG.to_owned(), menus::medium()),
        (names::BIOS_IMAGE.to_owned(), parts.grub.bios),
        (names::EFI_IMAGE.to_owned(), efi_image),
        (names::DISK_GRUB_CONFIG.to_owned(), menus::disk()),
        (names::DISK_BOOT.to_owned(), parts.grub.disk.boot),
        (names::DISK_CORE.to_owned(), parts.grub.disk.core),
        (names::DISK_EFI.to_owned(), parts.grub.disk.efi),
    ]);
    payloads.extend(
        parts
            .microcode
            .map(|content| (names::MICROCODE.to_owned(), content)),
    );
    Ok(payloads)
}

/// Whether the firmware leaves a slot the room that firmware grows into over the years.
fn check_slot(payloads: &Payloads) -> Result<(), BundleError> {
    let files = payloads
        .iter()
        .filter(|(name, _)| names::slot_name(name).is_some());
    let size = files.map(|(_, content)| content.len() as u64).sum();
    if size > SLOT_LIMIT {
        return Err(BundleError::SlotTooLarge { size });
    }
    Ok(())
}

/// A digest over every part and the whole description, shortened to 16 digits.
fn build_id(parts: &Parts, description: &Description) -> String {
    let mut hasher = Sha256::new();
    let microcode = parts.microcode.as_deref().unwrap_or_default();
    let grub = &parts.grub;
    let contents: [&[u8]; 13] = [
        &parts.kernel,
        &parts.initramfs,
        microcode,
        &parts.sbom,
        &grub.bios,
        &grub.efi,
        &grub.boot_code,
        &grub.disk.boot,
        &grub.disk.core,
        &grub.disk.efi,
        &menus::medium(),
        &menus::disk(),
        &menus::kernel_environment(),
    ];
    for content in contents {
        hasher.update(Sha256Digest::of(content).as_bytes());
    }
    hasher.update(format!("{description:?}"));
    hex::encode(&hasher.finalize()[..BUILD_ID_SIZE])
}
