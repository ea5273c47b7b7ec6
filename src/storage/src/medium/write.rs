//! A file written to the root folder of a FAT volume, whole or not at all.
//!
//! `fatfs` writes it on a sheet over the volume; a stick that is full or damaged is found out before a byte of it has changed. Then the sheet goes
//! to the volume in four groups with a sync between: the file's bytes, which nobody refers to yet; the chains; chains that lead
//! through the folder; the folder. So at every moment each other file is whole, and this one is there whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::ops::Range;

use fatfs::{Date, DateTime, FileSystem, FsOptions, Time, TimeProvider};
use sps_image::disk::write::Device;
use sps_image::source::Source;
use thiserror::Error;
use time::OffsetDateTime;

use super::fat::{MOST_ENTRIES, contained, is_fat};
use super::sheet::{Cursor, Mode, SECTOR, Sheet};

/// Bytes of the volume that may be read while looking at its root folder.
const LOOK: u64 = 16 << 20;
/// Bytes that may be read while looking for room: the FAT of a full stick of 512 GB.
const SEARCH: u64 = 64 << 20;
/// Bytes of one write.
const AT_ONCE: usize = 256 * 1024;
/// The first year that a FAT can name.
const FIRST_YEAR: u16 = 1980;

/// Why a file was not written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// No FAT.
    #[error("there is no FAT file system")]
    NotFat,
    /// The volume could not be read, or is damaged.
    #[error("the FAT file system cannot be used")]
    Volume(#[source] io::Error),
    /// There is a file of this name.
    #[error("there is a file of this name already: delete it, or try again in a minute")]
    Exists,
    /// Too many files.
    #[error("there are more than {MOST_ENTRIES} files in its root folder: delete some")]
    Crowded,
    /// No room.
    #[error("there is no room for {bytes} bytes: delete files, or take another stick")]
    Full {
        /// Bytes of the file.
        bytes: usize,
        /// What the file system said.
        #[source]
        source: io::Error,
    },
    /// A write or sync failed.
    #[error("the stick took not all of it: take another one")]
    Device(#[source] io::Error),
}

/// What is to be written, group after group; a sync follows each.
struct Plan {
    groups: [BTreeMap<u64, [u8; SECTOR as usize]>; 4],
}

/// Writes the file and returns when it is on the medium.
///
/// # Errors
/// When that cannot be done; unless the device itself failed, the volume then is as it was.
pub fn write<V: Source + Device>(volume: &mut V, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
    if !is_fat(volume) {
        return Err(WriteError::NotFat);
    }
    let plan = plan(volume, name, bytes)?;
    for group in plan.groups {
        put(volume, &group).map_err(WriteError::Device)?;
    }
    Ok(())
}

fn plan<V: Source>(volume: &V, name: &str, bytes: &[u8]) -> Result<Plan, WriteError> {
    let chains = chains(volume).map_err(WriteError::Volume)?;
    let sheet = Sheet::new(volume, LOOK);
    let planned = contained(|| Ok(write_on(&sheet, name, bytes))).map_err(WriteError::Volume)?;
    planned?;
    let (changed, folder) = sheet.into_parts();
    Ok(grouped(volume, changed, &folder, &chains))
}

/// Writes the file on the sheet, which afterwards knows the sectors of the folder too.
fn write_on<V: Source>(sheet: &Sheet<'_, V>, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
    let options = FsOptions::new().update_accessed_date(false).time_provider(&Clock);
    let system = FileSystem::new(Cursor::new(sheet), options).map_err(WriteError::Volume)?;
    sheet.set(Mode::Watch);
    for (count, entry) in system.root_dir().iter().enumerate() {
        let entry = entry.map_err(WriteError::Volume)?;
        if count == MOST_ENTRIES {
            return Err(WriteError::Crowded);
        }
        if entry.file_name().eq_ignore_ascii_case(name) {
            return Err(WriteError::Exists);
        }
    }
    sheet.set(Mode::Write);
    sheet.limit(SEARCH);
    create(system, name, bytes).map_err(|source| WriteError::Full {
        bytes: bytes.len(),
        source,
    })
}

fn create<V: Source>(system: FileSystem<Cursor<'_, '_, V>>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = system.root_dir().create_file(name)?;
    file.write_all(bytes)?;
    file.flush()?;
    drop(file);
    system.unmount()
}

/// The sectors that lie before the folders and files: boot sector, chains.
fn chains(volume: &impl Source) -> io::Result<Range<u64>> {
    let mut boot = [0; SECTOR as usize];
    volume.read_at(0, &mut boot)?;
    let short = |at: usize| u64::from(u16::from_le_bytes([boot[at], boot[at + 1]]));
    let long = |at: usize| short(at) | short(at + 2) << 16;
    let each = if short(22) == 0 { long(36) } else { short(22) };
    let sectors = short(14) + u64::from(boot[16]) * each;
    Ok(0..sectors * short(11) / SECTOR)
}

/// Sorts what changed; what is as it was is left out.
fn grouped(
    volume: &impl Source,
    changed: BTreeMap<u64, [u8; SECTOR as usize]>,
    folder: &BTreeSet<u64>,
    chains: &Range<u64>,
) -> Plan {
    let mut groups: [BTreeMap<_, _>; 4] = Default::default();
    for (number, sector) in changed {
        let mut before = [0; SECTOR as usize];
        if volume.read_at(number * SECTOR, &mut before).is_ok() && before == sector {
            continue;
        }
        let group = match (chains.contains(&number), folder.contains(&number)) {
            (false, false) => 0,
            (true, false) => 1,
            (true, true) => 2,
            (false, true) => 3,
        };
        groups[group].insert(number, sector);
    }
    Plan { groups }
}

/// Writes neighbours together, then syncs.
fn put(volume: &mut impl Device, group: &BTreeMap<u64, [u8; SECTOR as usize]>) -> io::Result<()> {
    let mut run: Vec<u8> = Vec::new();
    let mut start = 0;
    for (number, sector) in group {
        let next = start + run.len() as u64 / SECTOR;
        if !run.is_empty() && (*number != next || run.len() >= AT_ONCE) {
            volume.write_at(start * SECTOR, &run)?;
            run.clear();
        }
        if run.is_empty() {
            start = *number;
        }
        run.extend_from_slice(sector);
    }
    if !run.is_empty() {
        volume.write_at(start * SECTOR, &run)?;
        volume.sync()?;
    }
    Ok(())
}

/// The time that files get: UTC, which FAT does not say.
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn get_current_date(&self) -> Date {
        self.get_current_date_time().date
    }

    fn get_current_date_time(&self) -> DateTime {
        let now = OffsetDateTime::now_utc();
        DateTime {
            date: Date {
                year: u16::try_from(now.year()).unwrap_or(FIRST_YEAR).max(FIRST_YEAR),
                month: u16::from(u8::from(now.month())),
                day: u16::from(now.day()),
            },
            time: Time {
                hour: u16::from(now.hour()),
                min: u16::from(now.minute()),
                sec: u16::from(now.second()),
                millis: 0,
            },
        }
    }
}
