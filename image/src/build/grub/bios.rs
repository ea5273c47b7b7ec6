//! GRUB for BIOS on a disk, without `grub-install`: the boot sector and the core are told where the core lies.
//!
//! Sources: GRUB 2.06, `grub-core/boot/i386/pc/boot.S` and `diskboot.S`, `include/grub/i386/pc/boot.h`, and what
//! `util/setup.c` does to both.

use super::GrubError;
use crate::disk::layout::{ALIGN, BLOCK, IMAGE_DISK, Layout, Part};

/// Says to a cache key that what this file does has changed.
pub(super) const RECIPE: &str = "drive check off, core at the first partition, 1";

const SECTOR: usize = BLOCK as usize;
/// `GRUB_BOOT_MACHINE_KERNEL_SECTOR`: the 64-bit sector number of the core's first sector.
const KERNEL_SECTOR: std::ops::Range<usize> = 0x5c..0x64;
/// `GRUB_BOOT_MACHINE_DRIVE_CHECK`: a jump around the check of the drive number.
const DRIVE_CHECK: std::ops::Range<usize> = 0x66..0x68;
const JUMP: [u8; 2] = [0xeb, 0x05];
/// With no jump there, a BIOS that hands over a wrong drive number is corrected; `util/setup.c` does so for hard disks.
const NO_OPERATION: [u8; 2] = [0x90, 0x90];
/// The first entry of the core's block list: 64-bit sector number, 16-bit length, 16-bit segment.
const BLOCK_LIST: std::ops::Range<usize> = 500..508;
/// Where the first partition begins; the same on every disk.
const FIRST_SECTOR: u64 = ALIGN / BLOCK;

fn unexpected(name: &'static str, reason: impl Into<String>) -> GrubError {
    GrubError::Unexpected {
        name,
        reason: reason.into(),
    }
}

/// `boot.img` for a disk whose core lies at the beginning of the first partition.
pub(super) fn boot_sector(mut image: Vec<u8>) -> Result<Vec<u8>, GrubError> {
    if image.len() != SECTOR || image[DRIVE_CHECK] != JUMP {
        return Err(unexpected("boot.img", "no drive check at 0x66"));
    }
    image[KERNEL_SECTOR].copy_from_slice(&FIRST_SECTOR.to_le_bytes());
    image[DRIVE_CHECK].copy_from_slice(&NO_OPERATION);
    Ok(image)
}

/// The core for the same place: its first sector loads the rest, which follows.
pub(super) fn core(mut image: Vec<u8>) -> Result<Vec<u8>, GrubError> {
    let layout = Layout::for_size(IMAGE_DISK);
    let room = layout.map_or(0, |layout| layout.extent(Part::Bios).size);
    if image.len() as u64 > room || image.len() <= SECTOR {
        let reason = format!("{} bytes, the partition has {room}", image.len());
        return Err(unexpected("core image", reason));
    }
    // `grub-mkimage` assumes that the core follows the boot sector.
    if image[BLOCK_LIST] != 2_u64.to_le_bytes() {
        return Err(unexpected(
            "core image",
            "its block list does not begin with sector 2",
        ));
    }
    image[BLOCK_LIST].copy_from_slice(&(FIRST_SECTOR + 1).to_le_bytes());
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_told_where_the_core_lies() {
        let mut boot = vec![0; SECTOR];
        boot[DRIVE_CHECK].copy_from_slice(&JUMP);
        let boot = boot_sector(boot).unwrap();
        assert_eq!(boot[0x5c..0x68], [0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x90, 0x90]);
        let mut image = vec![0; 2 * SECTOR];
        image[500] = 2;
        assert_eq!(core(image).unwrap()[500..508], [1, 8, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn another_grub_is_refused() {
        assert!(boot_sector(vec![0; SECTOR]).is_err());
        assert!(core(vec![0; 2 * SECTOR]).is_err());
        assert!(core(vec![0; 3 << 20]).is_err());
    }
}
