//! Making the kernel's view of a disk's partitions what the table says, while some of them are in use.

use std::fs;
use std::path::Path;

use rustix::io::Errno;
use sps_image::disk::table::Table;
use sps_sys::block::{self, PartitionExtent};
use thiserror::Error;
use tracing::debug;

use crate::device::BlockDevice;
use crate::disks::Disk;

/// Sysfs counts in sectors of 512 bytes.
const SECTOR: u64 = 512;

/// The kernel did not take a change.
#[derive(Debug, Error)]
#[error("could not tell the kernel about partition {number} of {disk}")]
pub struct PartitionError {
    /// The disk.
    pub disk: String,
    /// The partition.
    pub number: u32,
    /// The kernel's answer.
    pub source: Errno,
}

/// One thing to tell the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Forget this number.
    Delete(u32),
    /// The same place, another length.
    Resize(PartitionExtent),
    /// A new one.
    Add(PartitionExtent),
}

impl Change {
    const fn number(&self) -> u32 {
        match self {
            Self::Delete(number) => *number,
            Self::Resize(extent) | Self::Add(extent) => extent.number,
        }
    }
}

/// What turns `known` into `wanted`: what goes first, then what changes, then what comes, so that nothing overlaps in between.
/// What stays as it is is not touched: it may be mounted.
#[must_use]
pub fn changes(known: &[PartitionExtent], wanted: &[PartitionExtent]) -> Vec<Change> {
    let gone = known.iter().filter(|one| at_place_of(one, wanted).is_none());
    let resized = wanted
        .iter()
        .filter(|one| at_place_of(one, known).is_some_and(|old| old.length != one.length));
    let new = wanted.iter().filter(|one| at_place_of(one, known).is_none());
    let gone = gone.map(|one| Change::Delete(one.number));
    gone.chain(resized.copied().map(Change::Resize))
        .chain(new.copied().map(Change::Add))
        .collect()
}

/// The partition among `others` with the number and the beginning of `one`.
fn at_place_of<'a>(one: &PartitionExtent, others: &'a [PartitionExtent]) -> Option<&'a PartitionExtent> {
    others
        .iter()
        .find(|other| other.number == one.number && other.start == one.start)
}

/// The partitions of a table, for the kernel.
pub(crate) fn wanted(table: &Table) -> Vec<PartitionExtent> {
    let extents = table.entries().map(|(number, entry)| {
        let extent = entry.extent();
        PartitionExtent {
            number,
            start: extent.offset,
            length: extent.size,
        }
    });
    extents.collect()
}

/// The partitions the kernel knows, by number.
pub(crate) fn known(sys: &Path) -> Vec<PartitionExtent> {
    let entries = fs::read_dir(sys).into_iter().flatten().flatten();
    let mut known: Vec<_> = entries
        .filter_map(|entry| {
            let number = |file: &str| -> Option<u64> {
                fs::read_to_string(entry.path().join(file))
                    .ok()?
                    .trim()
                    .parse()
                    .ok()
            };
            Some(PartitionExtent {
                number: u32::try_from(number("partition")?).ok()?,
                start: number("start")? * SECTOR,
                length: number("size")? * SECTOR,
            })
        })
        .collect();
    known.sort_by_key(|extent| extent.number);
    known
}

/// Tells the kernel what the table says; the device nodes exist when this returns.
///
/// # Errors
/// When the kernel refuses, as it does when a partition that has to go is in use.
pub(crate) fn tell_kernel(
    disk: &Disk,
    device: &BlockDevice,
    wanted: &[PartitionExtent],
) -> Result<(), PartitionError> {
    for change in changes(&known(&disk.sys), wanted) {
        debug!("disk {}: {change:?}", disk.name);
        let told = match change {
            Change::Delete(number) => block::delete_partition(device, number),
            Change::Resize(extent) => block::resize_partition(device, extent),
            Change::Add(extent) => block::add_partition(device, extent),
        };
        told.map_err(|source| PartitionError {
            disk: disk.name.clone(),
            number: change.number(),
            source,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn part(number: u32, start: u64, length: u64) -> PartitionExtent {
        PartitionExtent {
            number,
            start,
            length,
        }
    }

    #[test]
    fn what_is_right_is_left_alone() {
        let table = [part(1, 10, 5), part(2, 20, 5)];
        assert_eq!(changes(&table, &table), []);
        assert_eq!(
            changes(&[], &table),
            [Change::Add(table[0]), Change::Add(table[1])]
        );
    }

    #[test]
    fn the_last_one_grows_in_place() {
        let (old, new) = (
            [part(1, 10, 5), part(2, 20, 5)],
            [part(1, 10, 5), part(2, 20, 50)],
        );
        assert_eq!(changes(&old, &new), [Change::Resize(new[1])]);
    }

    #[test]
    fn what_is_wrong_goes_before_anything_comes() {
        let (old, new) = (
            [part(1, 10, 50), part(3, 70, 5)],
            [part(1, 20, 5), part(2, 30, 5)],
        );
        let expected = [
            Change::Delete(1),
            Change::Delete(3),
            Change::Add(new[0]),
            Change::Add(new[1]),
        ];
        assert_eq!(changes(&old, &new), expected);
    }
}
