//! The hybrid ISO: El Torito for BIOS and UEFI, MBR and GPT for the same bytes on a disk. The only file that
//! knows `hadris-iso`.
//!
//! Invariants: the bytes depend on the input alone (no clock, no randomness); one tree of plain names, no Rock
//! Ridge and no Joliet, so that no two readers can see different content.

use hadris_fs::{Content, DateTime, Node, Tree};
use hadris_iso::{BootEntry, BootInfo, ElTorito, Hybrid, IsoId, IsoLevel, IsoOptions, NameCase};
use thiserror::Error;

/// Sectors of 512 bytes the BIOS loads of the boot image; GRUB's `cdboot.img` fetches the rest itself.
const BIOS_LOAD_SECTORS: u16 = 4;
/// Where GRUB's `boot_hybrid.img` keeps the 64-bit sector number of its core image (`boot/i386/pc/boot.S`).
const CORE_SECTOR: std::ops::Range<usize> = 432..440;
/// `cdboot.img` is 2,048 bytes; the core image that `boot_hybrid.img` must load begins after it.
const CDBOOT_SECTORS: u64 = 4;
/// The boot code of an MBR ends where the disk signature begins.
pub(crate) const BOOT_CODE_SIZE: usize = 440;

/// What goes into an ISO.
#[derive(Debug)]
pub struct Layout<'a> {
    /// Plain relative path and content of every file.
    pub files: Vec<(&'a str, &'a [u8])>,
    /// Path of the El Torito image for BIOS: `cdboot.img` and GRUB's core.
    pub bios_image: &'a str,
    /// Path of the El Torito image for UEFI: the EFI system partition.
    pub efi_image: &'a str,
    /// GRUB's `boot_hybrid.img`, for BIOS from a disk.
    pub boot_code: &'a [u8],
    /// Volume identifier: upper case, digits and underscore, 32 at most (ECMA-119 8.4.8).
    pub volume: &'a str,
    /// Time of every date in the volume, seconds since 1970.
    pub epoch: u64,
    /// What the GUIDs of the GPT are derived from.
    pub seed: u64,
}

/// Why the ISO could not be made.
#[derive(Debug, Error)]
pub enum IsoError {
    /// A file could not be put into the tree.
    #[error("cannot place {path} in the ISO: {reason}")]
    Place {
        /// The path.
        path: String,
        /// What the ISO library said.
        reason: String,
    },
    /// The epoch is no date an ISO can hold.
    #[error("the build time {epoch} is not a date an ISO can hold")]
    Epoch {
        /// Seconds since 1970.
        epoch: u64,
    },
    /// The MBR boot code is too short to be GRUB's.
    #[error("the boot code for disks has {size} bytes, GRUB's boot_hybrid.img has 512")]
    BootCode {
        /// Bytes given.
        size: usize,
    },
    /// The image could not be laid out or written.
    #[error("cannot lay out the ISO: {reason}")]
    Write {
        /// What the ISO library said.
        reason: String,
    },
    /// The library warned that something is not stored as asked.
    #[error("the ISO would not hold what was asked for: {reason}")]
    Warning {
        /// The warning.
        reason: String,
    },
}

/// Writes the ISO in memory.
///
/// # Errors
/// When a name or the sizes do not fit ISO 9660, or the library warns of anything at all.
pub fn write(layout: &Layout<'_>) -> Result<Vec<u8>, IsoError> {
    let tree = tree(&layout.files)?;
    let options = options(layout)?;
    let mut image = Vec::new();
    let report = hadris_iso::sync::write(&mut image, &tree, &options).map_err(|error| IsoError::Write {
        reason: error.to_string(),
    })?;
    if let Some(warning) = report.warnings().first() {
        return Err(IsoError::Warning {
            reason: warning.to_string(),
        });
    }
    point_mbr_at_core(&mut image)?;
    Ok(image)
}

fn tree(files: &[(&str, &[u8])]) -> Result<Tree, IsoError> {
    let mut tree = Tree::new();
    for (path, content) in files {
        tree.insert(*path, Node::file(Content::bytes(*content)))
            .map_err(|error| IsoError::Place {
                path: (*path).to_owned(),
                reason: error.to_string(),
            })?;
    }
    Ok(tree)
}

fn options(layout: &Layout<'_>) -> Result<IsoOptions, IsoError> {
    let boot_code = layout.boot_code.get(..BOOT_CODE_SIZE);
    let boot_code = boot_code.ok_or(IsoError::BootCode {
        size: layout.boot_code.len(),
    })?;
    let time = i64::try_from(layout.epoch)
        .ok()
        .and_then(|seconds| DateTime::from_unix_seconds(seconds).ok());
    let bios = BootEntry::bios(layout.bios_image)
        .with_load_size(BIOS_LOAD_SECTORS)
        .with_boot_info(BootInfo::Grub2);
    let el_torito = ElTorito::new()
        .with_entry(bios)
        .with_entry(BootEntry::uefi(layout.efi_image));
    Ok(IsoOptions::default()
        .with_id(IsoId::Volume, layout.volume)
        .with_id(IsoId::Application, "SPS-IMAGE")
        .with_level(IsoLevel::L2)
        .with_name_case(NameCase::Preserve)
        .with_time(time.ok_or(IsoError::Epoch { epoch: layout.epoch })?)
        .with_seed(layout.seed)
        .with_el_torito(el_torito)
        .with_hybrid(Hybrid::gpt_hybrid_mbr().with_bootstrap(boot_code)))
}

/// `hadris-iso` writes the sector of the El Torito image, as isolinux wants it; GRUB wants the core behind
/// `cdboot.img`, else BIOS from a disk hangs.
fn point_mbr_at_core(image: &mut [u8]) -> Result<(), IsoError> {
    let no_room = || IsoError::Write {
        reason: "the image has no boot sector".to_owned(),
    };
    let field = image.get_mut(CORE_SECTOR).ok_or_else(no_room)?;
    let sector = u64::from_le_bytes(field.try_into().map_err(|_| no_room())?);
    field.copy_from_slice(&(sector + CDBOOT_SECTORS).to_le_bytes());
    Ok(())
}
