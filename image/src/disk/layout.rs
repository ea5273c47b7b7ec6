//! Where the partitions of an appliance's disk lie and what they are.
//!
//! Invariants: numbers and types never change, installed appliances have them; everything but the end of the last
//! partition is the same on every disk, so a disk grows by its last partition alone. Everything begins at whole MiB.

use thiserror::Error;

use super::guid::{GUID_SIZE, Guid};
use crate::source::Extent;

/// Bytes of a logical block. Disks with larger ones are refused by the installer: FAT with sectors of
/// 512 bytes and GRUB's block lists do not work on them.
pub const BLOCK: u64 = 512;
/// Alignment of partitions: every disk's physical block, erase block or stripe divides it or does not matter.
pub const ALIGN: u64 = MIB;
/// Entries of the partition table, the least the UEFI specification allows (5.3.1).
pub const ENTRIES: usize = 128;
/// Blocks at the end that belong to the backup table: its entries and its header.
pub const BACKUP_BLOCKS: u64 = (ENTRIES * super::table::ENTRY_SIZE) as u64 / BLOCK + 1;

/// Smallest disk an appliance can be installed on, in bytes: what a vendor calls 3 GB.
pub const LEAST_DISK: u64 = 3_000_000_000;
/// Bytes a disk image pretends to have.
pub const IMAGE_DISK: u64 = 4 << 30;

const MIB: u64 = 1 << 20;
const BIOS_SIZE: u64 = 2 * MIB;
/// Bytes of the EFI system partition.
pub const ESP_SIZE: u64 = 128 * MIB;
/// Bytes of the partition of the firmware slots.
pub const BOOT_SIZE: u64 = 512 * MIB;
const STATE_SIZE: u64 = 512 * MIB;
const META_SIZE: u64 = 512 * MIB;
const LEAST_DATA: u64 = 512 * MIB;
/// Most that DRBD's external metadata of [`META_SIZE`] bytes describes: one bit for 4 KiB, with 1 MiB left for its
/// superblock and activity log (drbdmeta(8)).
const MOST_DATA: u64 = (META_SIZE - MIB) * 8 * 4096;

/// The partitions, by number in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// GRUB's core image for BIOS; no file system.
    Bios = 1,
    /// EFI system partition: GRUB for UEFI, its configuration, the boot control.
    Esp = 2,
    /// Firmware slots, ext4.
    Boot = 3,
    /// This node's state, ext4.
    State = 4,
    /// DRBD's external metadata.
    Meta = 5,
    /// DRBD's backing device.
    Data = 6,
}

impl Part {
    /// All of them, in the order of their numbers and of their places on the disk.
    pub const ALL: [Self; 6] = [
        Self::Bios,
        Self::Esp,
        Self::Boot,
        Self::State,
        Self::Meta,
        Self::Data,
    ];

    /// Number in the partition table, from 1; the kernel's name of the partition ends in it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// Index in the partition table and in [`Part::ALL`], from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize - 1
    }

    /// Name in the partition table; it informs people and identifies nothing.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bios => "sps-bios",
            Self::Esp => "sps-esp",
            Self::Boot => "sps-boot",
            Self::State => "sps-state",
            Self::Meta => "sps-meta",
            Self::Data => "sps-data",
        }
    }

    /// Type GUID: GRUB's for its core (GRUB manual, "BIOS installation"), the UEFI specification's for the system partition (5.3.3,
    /// table "Defined GPT Partition Entry Partition Type GUIDs"), our own constants for the rest.
    #[must_use]
    pub const fn kind(self) -> Guid {
        Guid::from_u128(match self {
            Self::Bios => 0x21686148_6449_6e6f_744e_656564454649,
            Self::Esp => 0xc12a7328_f81f_11d2_ba4b_00a0c93ec93b,
            Self::Boot => 0x2895ce09_394e_4913_b244_948cc3d82b4a,
            Self::State => 0x217e2c68_35c0_4018_b6c9_63d0ba5ccced,
            Self::Meta => 0x93f52909_de25_4f73_8cdd_7e229f87a210,
            Self::Data => 0x8c00e93e_cdbb_42d5_af0e_4273985d96ef,
        })
    }

    /// Bytes, but for the last partition, which takes the rest.
    const fn size(self) -> u64 {
        match self {
            Self::Bios => BIOS_SIZE,
            Self::Esp => ESP_SIZE,
            Self::Boot => BOOT_SIZE,
            Self::State => STATE_SIZE,
            Self::Meta => META_SIZE,
            Self::Data => LEAST_DATA,
        }
    }
}

/// GUIDs of one disk and its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The disk's.
    pub disk: Guid,
    /// The partitions', in the order of [`Part::ALL`].
    pub parts: [Guid; Part::ALL.len()],
}

/// The disk GUID of images and of what the installer writes: a disk that has it is *fresh*, its first boot is not done.
pub const TEMPLATE_DISK: Guid = Guid::from_u128(0x00fe89ef_04eb_44f3_8ad2_dbee49350eb2);

impl Identity {
    /// Random bytes an identity is made of.
    pub const RANDOM_SIZE: usize = GUID_SIZE * (1 + Part::ALL.len());

    /// The identity of images and of what the installer writes; the first boot replaces it as its commit point.
    pub const TEMPLATE: Self = Self {
        disk: TEMPLATE_DISK,
        parts: [
            Guid::from_u128(0x67145d2b_5127_47c2_ab04_b9936b3c8e20),
            Guid::from_u128(0x0509a0fe_3008_4a7f_8822_1b2f9ee3a72e),
            Guid::from_u128(0xb83cf349_fdea_438f_bb39_8a3f423a48aa),
            Guid::from_u128(0x4943d9f1_aec5_4f78_ae61_391eeea73d65),
            Guid::from_u128(0x983a1c27_f123_4a87_ab6a_5dc3dabff5cc),
            Guid::from_u128(0x41f2f8f6_cf48_4c20_94ae_c6e10c33a3d6),
        ],
    };

    /// An identity of its own from random bytes.
    #[must_use]
    pub fn from_random(bytes: &[u8; Self::RANDOM_SIZE]) -> Self {
        let (guids, _) = bytes.as_chunks::<GUID_SIZE>();
        Self {
            disk: Guid::from_random(guids[0]),
            parts: std::array::from_fn(|at| Guid::from_random(guids[at + 1])),
        }
    }
}

/// Why a disk cannot be laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the disk has {have} bytes, the appliance needs {LEAST_DISK}: use a larger disk")]
pub struct DiskTooSmall {
    /// Bytes there are.
    pub have: u64,
}

/// Places of the partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    disk_size: u64,
    parts: [Extent; Part::ALL.len()],
}

impl Layout {
    /// The layout for a disk of this many bytes.
    ///
    /// # Errors
    /// When the disk is smaller than [`LEAST_DISK`].
    pub fn for_size(bytes: u64) -> Result<Self, DiskTooSmall> {
        if bytes < LEAST_DISK {
            return Err(DiskTooSmall { have: bytes });
        }
        let disk_size = bytes - bytes % BLOCK;
        let mut offset = ALIGN;
        let mut parts = Part::ALL.map(|part| {
            let extent = Extent {
                offset,
                size: part.size(),
            };
            offset = extent.end();
            extent
        });
        let data = &mut parts[Part::Data.index()];
        data.size = last_end(data.offset, disk_size) - data.offset;
        Ok(Self { disk_size, parts })
    }

    /// Bytes of the disk.
    #[must_use]
    pub const fn disk_size(&self) -> u64 {
        self.disk_size
    }

    /// Where a partition lies, in bytes.
    #[must_use]
    pub const fn extent(&self, part: Part) -> Extent {
        self.parts[part.index()]
    }
}

/// Where the last partition, which begins at `offset`, ends on a disk of `disk_size` bytes.
pub(super) fn last_end(offset: u64, disk_size: u64) -> u64 {
    let room = disk_size.saturating_sub(BACKUP_BLOCKS * BLOCK);
    (room - room % ALIGN).min(offset.saturating_add(MOST_DATA))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_follow_each_other_and_leave_room_for_the_backup_table() {
        for size in [LEAST_DISK, IMAGE_DISK, 8_000_000_000, 1 << 43] {
            let layout = Layout::for_size(size).unwrap();
            let mut end = ALIGN;
            for part in Part::ALL {
                let extent = layout.extent(part);
                assert_eq!((extent.offset, extent.size % ALIGN), (end, 0), "{part:?}");
                end = extent.end();
            }
            assert!(end + BACKUP_BLOCKS * BLOCK <= size);
            assert!(size - end < ALIGN + BACKUP_BLOCKS * BLOCK, "{size}");
            assert!(layout.extent(Part::Data).size >= LEAST_DATA);
        }
    }

    #[test]
    fn small_disks_are_refused_and_huge_ones_used_as_far_as_the_metadata_reaches() {
        let error = Layout::for_size(LEAST_DISK - 1).unwrap_err().to_string();
        assert!(error.contains("use a larger disk"), "{error}");
        let data = Layout::for_size(100 << 40).unwrap().extent(Part::Data);
        assert_eq!(data.size, MOST_DATA);
    }

    #[test]
    fn identities_differ_in_every_guid() {
        let mut bytes = [0; Identity::RANDOM_SIZE];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = at as u8;
        }
        let identity = Identity::from_random(&bytes);
        let mut all = [
            &[identity.disk, TEMPLATE_DISK][..],
            &identity.parts,
            &Identity::TEMPLATE.parts,
        ]
        .concat();
        all.extend(Part::ALL.map(Part::kind));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 2 + 3 * Part::ALL.len());
    }
}
