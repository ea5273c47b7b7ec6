//! A file in the root folder of a FAT volume, read without mounting it.
//!
//! Invariant: the volume may come from an enemy: the library reads it through a budget, so that no chain of clusters that goes in
//! circles keeps it for ever.

use std::io::{self, Read, Seek, SeekFrom, Write};

use fatfs::{FileSystem, FsOptions};
use sps_image::source::Source;

/// Bytes of the volume that may be read: a root folder and a small file take a few dozen kilobytes, a large FAT that has no
/// free-cluster hint is not looked through.
const BUDGET: u64 = 8 << 20;
/// Entries of the root folder that are looked at.
const MOST_ENTRIES: usize = 4096;

/// Reads the file `name`, whatever its case, up to one byte more than `most`; nothing when this is no FAT or has no such file.
///
/// # Errors
/// When the volume is a FAT but damaged or cannot be read.
pub fn read<S: Source + ?Sized>(volume: &S, name: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
    if !looks_like_fat(volume) {
        return Ok(None);
    }
    let reader = Budgeted {
        volume,
        position: 0,
        budget: BUDGET,
    };
    let options = FsOptions::new().update_accessed_date(false);
    let system = FileSystem::new(reader, options)?;
    for entry in system.root_dir().iter().take(MOST_ENTRIES) {
        let entry = entry?;
        if entry.is_file() && entry.file_name().eq_ignore_ascii_case(name) {
            let mut bytes = Vec::new();
            entry.to_file().take(most as u64 + 1).read_to_end(&mut bytes)?;
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// A jump, the boot signature and a possible sector size (Microsoft, "FAT: General Overview of On-Disk Format").
fn looks_like_fat(volume: &(impl Source + ?Sized)) -> bool {
    let mut boot = [0; 512];
    let sector = |boot: &[u8; 512]| u16::from_le_bytes([boot[11], boot[12]]);
    volume.read_at(0, &mut boot).is_ok()
        && matches!(boot[0], 0xeb | 0xe9)
        && boot[510..] == [0x55, 0xaa]
        && matches!(sector(&boot), 512 | 1024 | 2048 | 4096)
        && boot[13].is_power_of_two()
        && matches!(boot[16], 1 | 2)
}

/// A volume with a position, which ends when the budget does. Writes are refused.
struct Budgeted<'a, S: ?Sized> {
    volume: &'a S,
    position: u64,
    budget: u64,
}

impl<S: Source + ?Sized> Read for Budgeted<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.volume.size().saturating_sub(self.position);
        let length = usize::try_from(rest).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        self.budget = self
            .budget
            .checked_sub(length.max(1) as u64)
            .ok_or_else(|| io::Error::other("the FAT volume is too large or its folders go in circles"))?;
        self.volume.read_at(self.position, &mut buffer[..length])?;
        self.position += length as u64;
        Ok(length)
    }
}

impl<S: ?Sized> Write for Budgeted<'_, S> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Source + ?Sized> Seek for Budgeted<'_, S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.volume.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
