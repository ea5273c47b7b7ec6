//! Reads a partition table from a disk and judges its two copies.
//!
//! The primary is believed when it is good, else the backup in the last block. A backup that is good but older or newer than
//! the primary is what a power cut inside [`super::write::write`] leaves: the primary decides, writing it again mends the backup.
//!
//! Invariant: never looks anywhere but at the beginning, at the place the primary names, and in the last block: a table found
//! elsewhere may be the remains of another use of the disk, and believing those could erase data.

use thiserror::Error;

use super::layout::BLOCK;
use super::table::{self, BLOCK_SIZE, Copy, Damage, ENTRIES_SIZE, Table};
use super::write;
use crate::source::Source;

/// What the two copies are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// Both are good and the same.
    Agree,
    /// Both are good, the backup says something else.
    Differ,
    /// The primary is good, the backup is not.
    PrimaryOnly(Damage),
    /// The backup is good, the primary is not.
    BackupOnly(Damage),
}

/// A table that can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The table.
    pub table: Table,
    /// What its copies are worth.
    pub copies: Copies,
    /// The first block of the disk: boot code and protective MBR; [`super::write::write`] wants it.
    pub first_block: [u8; BLOCK_SIZE],
}

impl Found {
    /// Whether the copies have to be written again.
    #[must_use]
    pub fn needs_mending(&self) -> bool {
        self.copies != Copies::Agree
    }
}

/// Why there is no table to believe.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The first block cannot be read.
    #[error("cannot read the first block of the disk")]
    FirstBlock(#[source] std::io::Error),
    /// There is no partition table at all, and no sign of one: a blank disk, or one with something else on it.
    #[error("the disk has no GPT partition table")]
    Absent,
    /// Both copies are damaged.
    #[error(
        "both copies of the partition table are damaged (at the beginning: {primary}; at the end: {backup}): \
         install the firmware again and choose to keep the data"
    )]
    Damaged {
        /// What is wrong with the primary.
        primary: Damage,
        /// What is wrong with the backup.
        backup: Damage,
    },
    /// The table was made for a larger disk.
    #[error(
        "the disk has {have} bytes, its partition table was made for {need}: make the disk as large as it was"
    )]
    Shrunk {
        /// Bytes there are.
        have: u64,
        /// Bytes the table was made for.
        need: u64,
    },
}

/// Reads and judges both copies.
///
/// # Errors
/// When neither can be believed or the disk is smaller than the table says.
pub fn read(disk: &(impl Source + ?Sized)) -> Result<Found, ReadError> {
    let mut first_block = [0; BLOCK_SIZE];
    disk.read_at(0, &mut first_block).map_err(ReadError::FirstBlock)?;
    let last = (disk.size() / BLOCK).saturating_sub(1);
    let primary = copy(disk, Copy::Primary, 1);
    let place = primary
        .as_ref()
        .map_or(last, |table| table.disk_size() / BLOCK - 1);
    let backup = if place > last {
        Err(Damage::Unreadable)
    } else {
        copy(disk, Copy::Backup, place)
    };
    let (table, copies) = match (primary, backup) {
        (Ok(table), Ok(other)) if table == other => (table, Copies::Agree),
        (Ok(table), Ok(_)) => (table, Copies::Differ),
        (Ok(table), Err(damage)) => (table, Copies::PrimaryOnly(damage)),
        (Err(damage), Ok(table)) => (table, Copies::BackupOnly(damage)),
        (Err(Damage::Absent), Err(Damage::Absent)) if !write::is_protective(&first_block) => {
            return Err(ReadError::Absent);
        }
        (Err(primary), Err(backup)) => return Err(ReadError::Damaged { primary, backup }),
    };
    if table.disk_size() > disk.size() {
        let (have, need) = (disk.size(), table.disk_size());
        return Err(ReadError::Shrunk { have, need });
    }
    Ok(Found {
        table,
        copies,
        first_block,
    })
}

fn copy(disk: &(impl Source + ?Sized), copy: Copy, own: u64) -> Result<Table, Damage> {
    let mut block = [0; BLOCK_SIZE];
    let offset = own.checked_mul(BLOCK).ok_or(Damage::Unreadable)?;
    disk.read_at(offset, &mut block).map_err(|_| Damage::Unreadable)?;
    let header = table::decode_header(&block, copy, own)?;
    let mut entries = vec![0; ENTRIES_SIZE];
    let offset = table::entries_block(copy, header.blocks) * BLOCK;
    disk.read_at(offset, &mut entries)
        .map_err(|_| Damage::Unreadable)?;
    header.with_entries(&entries)
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
