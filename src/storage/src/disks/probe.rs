//! Looks at the content of a disk and names it. Pure: reads a few bounded places through a [`Source`].
//!
//! Invariants: every read has a fixed or checked place and size, at most [`MOST_READ`] bytes together; no panic; nothing is
//! believed beyond the name it gives.

use std::io;

use sps_image::disk::layout::Part;
use sps_image::disk::read::{self, Found, ReadError};
use sps_image::disk::table::Damage;
use sps_image::iso9660;
use sps_image::manifest::{self, Manifest};
use sps_image::names;
use sps_image::source::{Extent, Section, Source};

use super::content::{ApplianceDisk, Content, FirmwareMedium, TableKind};

/// Bytes at the beginning in which every signature looked for lies but btrfs'.
const HEAD: u64 = 64 * 1024 + 4096;
/// Bytes looked at, at the end, before a disk is called blank: backup partition table, metadata of arrays.
const TAIL: u64 = 128 * 1024;
/// Bound on all reads together: head, tail, both partition tables, directories and manifest of an ISO.
pub const MOST_READ: u64 = 4 << 20;

/// Bytes of a block of an ISO 9660 volume.
const ISO_BLOCK: u64 = 2048;
/// The primary volume descriptor (ECMA-119 6.2.1, 8.4).
const ISO_DESCRIPTOR: u64 = 16 * ISO_BLOCK;

/// A signature: bytes at an offset, and whose it is.
struct Magic {
    offset: usize,
    bytes: &'static [u8],
    name: &'static str,
}

/// Signatures, the surest first: a FAT's two bytes are also a boot sector's. From the kernel's and util-linux's headers.
#[rustfmt::skip]
const MAGICS: [Magic; 15] = [
    Magic { offset: 0,       bytes: b"LUKS\xba\xbe",      name: "LUKS container" },
    Magic { offset: 0,       bytes: b"XFSB",              name: "XFS" },
    Magic { offset: 0,       bytes: b"hsqs",              name: "squashfs" },
    Magic { offset: 0x218,   bytes: b"LVM2 001",          name: "LVM physical volume" },
    Magic { offset: 0x1000,  bytes: &[0xfc, 0x4e, 0x2b, 0xa9], name: "member of a software RAID" },
    Magic { offset: 0,       bytes: &[0xfc, 0x4e, 0x2b, 0xa9], name: "member of a software RAID" },
    Magic { offset: 0x438,   bytes: &[0x53, 0xef],        name: "ext2, ext3 or ext4" },
    Magic { offset: 0x400,   bytes: &[0xe2, 0xe1, 0xf5, 0xe0], name: "erofs" },
    Magic { offset: 0xff6,   bytes: b"SWAPSPACE2",        name: "swap" },
    Magic { offset: 0x10040, bytes: b"_BHRfS_M",          name: "btrfs" },
    Magic { offset: 3,       bytes: b"NTFS    ",          name: "NTFS" },
    Magic { offset: 3,       bytes: b"EXFAT   ",          name: "exFAT" },
    Magic { offset: 0x52,    bytes: b"FAT32   ",          name: "FAT" },
    Magic { offset: 0x36,    bytes: b"FAT16   ",          name: "FAT" },
    Magic { offset: 0x36,    bytes: b"FAT12   ",          name: "FAT" },
];

/// Names what is on a disk.
pub fn probe(disk: &(impl Source + ?Sized)) -> Content {
    if disk.size() == 0 {
        return Content::NoMedium;
    }
    let head = match bytes(disk, 0, HEAD.min(disk.size())) {
        Ok(head) => head,
        Err(error) => return Content::Unreadable(error.to_string()),
    };
    let table = read::read(disk);
    if let Ok(found) = &table
        && let Some(appliance) = appliance(found)
    {
        return Content::Appliance(appliance);
    }
    if let Some(iso) = iso(disk) {
        return iso;
    }
    match table {
        Ok(found) => Content::PartitionTable {
            kind: TableKind::Gpt,
            partitions: found.table.entries().count(),
        },
        // Made by another tool in another form, or for a larger disk: a table all the same.
        Err(error) if is_table(&error) => Content::DamagedTable,
        Err(_) => without_gpt(disk, &head),
    }
}

/// Whether the reader found a partition table it could not believe.
fn is_table(error: &ReadError) -> bool {
    let nothing = |damage: &Damage| matches!(damage, Damage::Absent | Damage::Unreadable);
    match error {
        ReadError::Damaged { primary, backup } => !(nothing(primary) && nothing(backup)),
        ReadError::Shrunk { .. } => true,
        ReadError::FirstBlock(_) | ReadError::Absent => false,
    }
}

fn without_gpt(disk: &(impl Source + ?Sized), head: &[u8]) -> Content {
    if let Some(name) = file_system(head) {
        return Content::FileSystem(name);
    }
    if let Some(partitions) = mbr_partitions(head) {
        // The table that this one protects is gone.
        if is_protective(head) {
            return Content::DamagedTable;
        }
        return Content::PartitionTable {
            kind: TableKind::Mbr,
            partitions,
        };
    }
    let from = disk.size().saturating_sub(TAIL);
    let tail = match bytes(disk, from, disk.size() - from) {
        Ok(tail) => tail,
        Err(error) => return Content::Unreadable(error.to_string()),
    };
    if head.iter().chain(&tail).all(|byte| *byte == 0) {
        Content::Blank
    } else {
        Content::Unknown
    }
}

fn appliance(found: &Found) -> Option<ApplianceDisk> {
    found.table.check_appliance().ok()?;
    let esp = found.table.entry(Part::Esp).ok()?;
    Some(ApplianceDisk {
        disk: found.table.disk(),
        esp: esp.guid,
        fresh: found.table.is_fresh(),
        needs_mending: found.needs_mending(),
    })
}

/// Bytes of the ISO 9660 volume a medium begins with, or nothing when it begins with something else.
pub fn volume_size(disk: &(impl Source + ?Sized)) -> Option<u64> {
    let descriptor = descriptor(disk)?;
    let blocks = u32::from_le_bytes([descriptor[80], descriptor[81], descriptor[82], descriptor[83]]);
    Some(u64::from(blocks) * ISO_BLOCK)
}

fn descriptor(disk: &(impl Source + ?Sized)) -> Option<Vec<u8>> {
    let block = bytes(disk, ISO_DESCRIPTOR, ISO_BLOCK).ok()?;
    (&block[..7] == b"\x01CD001\x01").then_some(block)
}

fn iso(disk: &(impl Source + ?Sized)) -> Option<Content> {
    let descriptor = descriptor(disk)?;
    if let Some(medium) = firmware(disk) {
        return Some(Content::Firmware(medium));
    }
    // d-characters (ECMA-119 8.4.7), but who knows who wrote them.
    let volume = String::from_utf8_lossy(&descriptor[40..72]);
    let volume = volume.trim_end().replace(|c: char| !c.is_ascii_graphic(), "?");
    Some(Content::Iso { volume })
}

fn firmware(disk: &(impl Source + ?Sized)) -> Option<FirmwareMedium> {
    let size = volume_size(disk).filter(|size| *size <= disk.size())?;
    let files = iso9660::read(&Section::new(disk, Extent { offset: 0, size })).ok()?;
    let place = files.files.get(names::MANIFEST)?;
    if place.size > manifest::MAX_SIZE as u64 {
        return None;
    }
    let manifest = Manifest::from_json(&bytes(disk, place.offset, place.size).ok()?).ok()?;
    Some(FirmwareMedium {
        version: manifest.version,
        build_id: manifest.build_id,
        size,
    })
}

fn file_system(head: &[u8]) -> Option<&'static str> {
    let fits = |magic: &&Magic| {
        let place = magic.offset..magic.offset + magic.bytes.len();
        head.get(place) == Some(magic.bytes)
    };
    MAGICS.iter().find(fits).map(|magic| magic.name)
}

/// Used entries of a master boot record; a boot sector without any is no partition table.
fn mbr_partitions(head: &[u8]) -> Option<usize> {
    let block = head.get(..512)?;
    let used = block[446..510].chunks_exact(16).filter(|entry| {
        let bootable = matches!(entry[0], 0 | 0x80);
        bootable && entry[4] != 0 && entry[12..16] != [0; 4]
    });
    let used = used.count();
    (block[510..] == [0x55, 0xaa] && used > 0).then_some(used)
}

/// Whether the first entry says "GPT" (UEFI specification, 5.2.3).
fn is_protective(head: &[u8]) -> bool {
    head.get(450) == Some(&0xee)
}

fn bytes(disk: &(impl Source + ?Sized), offset: u64, size: u64) -> io::Result<Vec<u8>> {
    let size = usize::try_from(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let mut buffer = vec![0; size];
    disk.read_at(offset, &mut buffer)?;
    Ok(buffer)
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
