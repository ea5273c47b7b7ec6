//! The EFI system partition: a small FAT volume with one file, `EFI/BOOT/BOOTX64.EFI`.
//!
//! Invariant: the bytes depend on the loader and the volume id alone; every date is the FAT epoch. The path is
//! the removable-media path of the UEFI specification (3.5.1.1). Must not touch the host's file systems.

use std::io::{Cursor, Write};

use fatfs::{Date, DateTime, FileSystem, FormatVolumeOptions, FsOptions, Time, TimeProvider};
use thiserror::Error;

/// Bytes of a FAT sector.
const SECTOR: usize = 512;
/// Bytes of a cluster: few clusters keep the FAT small, so the volume stays FAT12.
const CLUSTER: usize = 4096;
/// Room beside the loader for boot sector, FATs, root directory and the two folders.
const OVERHEAD: usize = 128 * 1024;
/// Eleven characters, space padded, as the FAT specification wants them.
const LABEL: [u8; 11] = *b"SPS ESP    ";

/// Why the EFI system partition could not be made.
#[derive(Debug, Error)]
pub enum EspError {
    /// The empty volume could not be formatted.
    #[error("cannot format an EFI system partition of {size} bytes")]
    Format {
        /// Bytes of the volume.
        size: usize,
        /// What the FAT library said.
        source: std::io::Error,
    },
    /// A folder or file of the volume could not be written.
    #[error("cannot write {path} into the EFI system partition")]
    Write {
        /// The path in the volume.
        path: &'static str,
        /// What the FAT library said.
        source: std::io::Error,
    },
}

/// A clock that stands still: 1980-01-01 00:00, the oldest date FAT knows.
#[derive(Debug)]
struct Epoch;

impl TimeProvider for Epoch {
    fn get_current_date(&self) -> Date {
        Date {
            year: 1980,
            month: 1,
            day: 1,
        }
    }

    fn get_current_date_time(&self) -> DateTime {
        DateTime {
            date: self.get_current_date(),
            time: Time {
                hour: 0,
                min: 0,
                sec: 0,
                millis: 0,
            },
        }
    }
}

static EPOCH: Epoch = Epoch;

/// Makes the volume that holds `loader` as `EFI/BOOT/BOOTX64.EFI`.
///
/// # Errors
/// When the FAT library refuses the size or a write.
pub fn esp(loader: &[u8], volume_id: u32) -> Result<Vec<u8>, EspError> {
    let size = (loader.len() + OVERHEAD).next_multiple_of(CLUSTER);
    let mut volume = vec![0; size];
    format(&mut volume, volume_id)?;
    fill(&mut volume, loader)?;
    Ok(volume)
}

fn format(volume: &mut [u8], volume_id: u32) -> Result<(), EspError> {
    let size = volume.len();
    let options = FormatVolumeOptions::new()
        .bytes_per_sector(SECTOR as u16)
        .bytes_per_cluster(CLUSTER as u32)
        .volume_id(volume_id)
        .volume_label(LABEL);
    fatfs::format_volume(Cursor::new(volume), options).map_err(|source| EspError::Format { size, source })
}

fn fill(volume: &mut [u8], loader: &[u8]) -> Result<(), EspError> {
    let failed = |path| move |source| EspError::Write { path, source };
    let options = FsOptions::new().time_provider(&EPOCH).update_accessed_date(false);
    let system = FileSystem::new(Cursor::new(volume), options).map_err(failed("/"))?;
    let root = system.root_dir();
    root.create_dir("EFI").map_err(failed("EFI"))?;
    root.create_dir("EFI/BOOT").map_err(failed("EFI/BOOT"))?;
    let path = "EFI/BOOT/BOOTX64.EFI";
    let mut file = root.create_file(path).map_err(failed(path))?;
    file.write_all(loader).map_err(failed(path))?;
    file.flush().map_err(failed(path))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_loader_is_read_back() {
        let loader: Vec<u8> = (0..700_000_u32).map(|n| (n % 251) as u8).collect();
        let volume = esp(&loader, 7).unwrap();
        let system = FileSystem::new(Cursor::new(volume), FsOptions::new()).unwrap();
        assert_eq!(system.volume_id(), 7);
        let mut read = Vec::new();
        system
            .root_dir()
            .open_file("EFI/BOOT/BOOTX64.EFI")
            .unwrap()
            .read_to_end(&mut read)
            .unwrap();
        assert!(read == loader);
    }

    #[test]
    fn same_input_same_bytes() {
        assert!(esp(b"loader", 1).unwrap() == esp(b"loader", 1).unwrap());
        assert!(esp(b"loader", 1).unwrap() != esp(b"loader", 2).unwrap());
    }
}
