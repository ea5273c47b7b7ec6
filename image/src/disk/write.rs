//! Writes a partition table to a disk that may lose power at any moment.
//!
//! Invariant: backup entries, sync, backup header, sync, primary entries, sync, primary header, sync, protective MBR, sync. So
//! at every moment [`super::read::read`] finds the old table or the new one, and a backup is never older than its primary.

use std::io;

use thiserror::Error;

use super::layout::BLOCK;
use super::table::{self, BLOCK_SIZE, Copy, Table};

/// Where the protective MBR begins: behind the boot code, the disk signature and two unused bytes
/// (UEFI specification, 5.2.1).
const RECORDS: usize = 446;
/// Bytes of the boot code, which a new table leaves alone.
const BOOT_CODE: usize = 440;
/// CHS address of the second sector (UEFI specification, 5.2.3).
const SECOND_SECTOR: [u8; 3] = [0x00, 0x02, 0x00];
/// CHS address when the true one cannot be expressed.
const FAR_SECTOR: [u8; 3] = [0xff, 0xff, 0xff];
/// The partition type that says "GPT".
const PROTECTIVE: u8 = 0xee;

/// A disk to write to.
pub trait Device {
    /// Writes all bytes at `offset`.
    ///
    /// # Errors
    /// When the system refuses.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns when everything written before is on the medium.
    ///
    /// # Errors
    /// When that cannot be said.
    fn sync(&mut self) -> io::Result<()>;
}

/// Why a table could not be written.
#[derive(Debug, Error)]
#[error("cannot write the {what} of the partition table")]
pub struct WriteError {
    /// What was being written.
    pub what: &'static str,
    /// What the system said.
    pub source: io::Error,
}

/// Writes both copies and the protective MBR, in the order that a power cut cannot break. `first_block` is the disk's first block as it
/// is ([`super::read::Found::first_block`]) or shall be; its boot code is kept.
///
/// # Errors
/// At the first write or sync that fails; the disk then has the old table or the new one.
pub fn write(
    device: &mut (impl Device + ?Sized),
    table: &Table,
    first_block: &[u8; BLOCK_SIZE],
) -> Result<(), WriteError> {
    let bytes = table.encode();
    let blocks = table.disk_size() / BLOCK;
    let entries = |copy| table::entries_block(copy, blocks);
    let protective = protective_mbr(first_block, blocks);
    let steps: [(&'static str, u64, &[u8]); 5] = [
        ("backup entries", entries(Copy::Backup), &bytes.entries),
        ("backup header", blocks - 1, &bytes.backup_header),
        ("primary entries", entries(Copy::Primary), &bytes.entries),
        ("primary header", 1, &bytes.primary_header),
        ("protective MBR", 0, &protective),
    ];
    for (what, block, content) in steps {
        let written = device
            .write_at(block * BLOCK, content)
            .and_then(|()| device.sync());
        written.map_err(|source| WriteError { what, source })?;
    }
    Ok(())
}

/// The first block with its boot code and one partition over the whole disk.
#[must_use]
pub fn protective_mbr(first_block: &[u8; BLOCK_SIZE], blocks: u64) -> [u8; BLOCK_SIZE] {
    let mut block = [0; BLOCK_SIZE];
    block[..BOOT_CODE].copy_from_slice(&first_block[..BOOT_CODE]);
    let size = u32::try_from(blocks - 1).unwrap_or(u32::MAX);
    let mut record = vec![0];
    record.extend(SECOND_SECTOR);
    record.push(PROTECTIVE);
    record.extend(FAR_SECTOR);
    record.extend(1_u32.to_le_bytes());
    record.extend(size.to_le_bytes());
    block[RECORDS..RECORDS + record.len()].copy_from_slice(&record);
    block[BLOCK_SIZE - 2..].copy_from_slice(&[0x55, 0xaa]);
    block
}

/// Whether the first block of a disk says that a GPT follows (UEFI specification, 5.2.3).
#[must_use]
pub fn is_protective(first_block: &[u8; BLOCK_SIZE]) -> bool {
    first_block[RECORDS + 4] == PROTECTIVE && first_block[BLOCK_SIZE - 2..] == [0x55, 0xaa]
}
