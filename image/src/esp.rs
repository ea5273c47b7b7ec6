//! EFI system partitions: small FAT volumes with GRUB for UEFI, on the medium and on installed disks.
//!
//! Invariant: the bytes depend on what goes in alone; every date is the FAT epoch. GRUB's path is the
//! removable-media path of the UEFI specification (3.5.1.1). Must not touch the host's file systems.

use std::io::{self, Write};

use fatfs::{Date, DateTime, FatType, FileSystem, FormatVolumeOptions, FsOptions, Time, TimeProvider};
use thiserror::Error;

use crate::boot_control::{Control, Copy};
use crate::compression;
use crate::disk::sparse::Sparse;
use crate::disk::write::Device as _;
use crate::disk::{file_extents, layout};
use crate::hex::Sha256Digest;
use crate::source::{Extent, Source};

/// GRUB for UEFI.
pub const LOADER: &str = "EFI/BOOT/BOOTX64.EFI";
/// GRUB's configuration on a disk.
pub const CONFIG: &str = "sps/grub.cfg";

/// Bytes of the largest loader for a disk: five times today's.
const MOST_LOADER: u64 = 4 << 20;
/// The folders of a disk's volume.
const DISK_FOLDERS: [&str; 3] = ["EFI", "EFI/BOOT", "sps"];
/// Bytes of a folder's entry.
const FOLDER_ENTRY: usize = 32;
/// The first cluster has this number: that many entries of the table belong to none.
const FIRST_CLUSTER: usize = 2;
/// Where the FSInfo sector says how many clusters are free.
const FREE_COUNT: u64 = 488;
/// Attributes of an entry that holds a part of a long name.
const LONG_NAME: u8 = 0x0f;

/// Bytes of a FAT sector.
const SECTOR: u16 = 512;
/// Bytes of a cluster on the medium: few clusters keep the FAT small, so the volume stays FAT12.
const MEDIUM_CLUSTER: usize = 4096;
/// Bytes of a cluster on a disk: one cluster holds one copy of the boot control, and with so many clusters the
/// volume is FAT32, as the UEFI specification wants it on fixed disks (13.3.1.1).
const DISK_CLUSTER: u32 = 1024;
/// Room on the medium beside the loader for boot sector, FATs, root directory and the two folders.
const OVERHEAD: usize = 128 * 1024;
/// Eleven characters, space padded, as the FAT specification wants them.
const LABEL: [u8; 11] = *b"SPS ESP    ";

/// Where a copy of the boot control lies on the EFI system partition.
#[must_use]
pub const fn control_path(copy: Copy) -> &'static str {
    match copy {
        Copy::A => "sps/control-a.env",
        Copy::B => "sps/control-b.env",
    }
}

/// Why an EFI system partition could not be made.
#[derive(Debug, Error)]
pub enum EspError {
    /// The empty volume could not be formatted.
    #[error("cannot format an EFI system partition of {size} bytes")]
    Format {
        /// Bytes of the volume.
        size: u64,
        /// What the FAT library said.
        source: io::Error,
    },
    /// A folder or file of the volume could not be written.
    #[error("cannot write {path} into the EFI system partition")]
    Write {
        /// The path in the volume.
        path: String,
        /// What the FAT library said.
        source: io::Error,
    },
    /// The loader could not be decompressed.
    #[error("cannot decompress the boot loader for UEFI")]
    Loader(#[source] io::Error),
    /// The finished volume could not be read.
    #[error("cannot read the EFI system partition just made")]
    Read(#[source] io::Error),
}

/// The loader for a disk, from the payload [`crate::names::DISK_EFI`] of a firmware.
///
/// # Errors
/// When it is not compressed as it should be, or larger than any loader.
pub fn loader(payload: &[u8]) -> Result<Vec<u8>, EspError> {
    compression::unpack(payload, MOST_LOADER).map_err(EspError::Loader)
}

/// What the volume of an installed disk holds.
#[derive(Clone, Copy, Debug)]
pub struct DiskFiles<'a> {
    /// `BOOTX64.EFI`: what [`loader`] reads from the payload [`crate::names::DISK_EFI`].
    pub loader: &'a [u8],
    /// `grub.cfg`: the payload [`crate::names::DISK_GRUB_CONFIG`].
    pub config: &'a [u8],
    /// What both copies of the boot control say.
    pub control: Control,
}

/// The volume of the medium, with `loader` as [`LOADER`].
///
/// # Errors
/// When the FAT library refuses the size or a write.
pub fn medium(loader: &[u8]) -> Result<Vec<u8>, EspError> {
    let size = (loader.len() + OVERHEAD).next_multiple_of(MEDIUM_CLUSTER) as u64;
    let mut volume = Sparse::new(size);
    format(&mut volume, loader, &options(MEDIUM_CLUSTER as u32))?;
    fill(&mut volume, &[(LOADER, loader)])?;
    crate::source::read(&volume, Extent { offset: 0, size }).map_err(EspError::Read)
}

/// The volume of an installed disk, as large as its partition. Every chunk that the file system needs is written, the zeros of its
/// empty tables too: copied over old content, the chunks make a whole volume.
///
/// # Errors
/// When the FAT library refuses a write.
pub fn disk(files: &DiskFiles<'_>) -> Result<Sparse, EspError> {
    let mut volume = Sparse::new(layout::ESP_SIZE);
    format(
        &mut volume,
        files.loader,
        &options(DISK_CLUSTER).fat_type(FatType::Fat32),
    )?;
    let control = files.control.to_bytes();
    // GRUB between the copies of the control: a write that a power cut spoils may take the neighbours with it.
    fill(
        &mut volume,
        &[
            (control_path(Copy::A), &control),
            (CONFIG, files.config),
            (LOADER, files.loader),
            (control_path(Copy::B), &control),
        ],
    )?;
    note_free_clusters(&mut volume).map_err(EspError::Read)?;
    for path in DISK_FOLDERS {
        mend_folder(&mut volume, path).map_err(|source| EspError::Write {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(volume)
}

fn options(cluster: u32) -> FormatVolumeOptions {
    FormatVolumeOptions::new()
        .bytes_per_sector(SECTOR)
        .bytes_per_cluster(cluster)
        .volume_label(LABEL)
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

/// Formats the volume; its serial number comes from the loader, so that other firmware has another.
fn format(volume: &mut Sparse, loader: &[u8], options: &FormatVolumeOptions) -> Result<(), EspError> {
    let size = volume.size();
    let [a, b, c, d, ..] = *Sha256Digest::of(loader).as_bytes();
    let options = options.clone().volume_id(u32::from_le_bytes([a, b, c, d]));
    fatfs::format_volume(volume.cursor(), options).map_err(|source| EspError::Format { size, source })
}

/// Writes the files and the folders they lie in.
fn fill(volume: &mut Sparse, files: &[(&str, &[u8])]) -> Result<(), EspError> {
    let failed = |path: &str| {
        let path = path.to_owned();
        move |source| EspError::Write { path, source }
    };
    let options = FsOptions::new().time_provider(&EPOCH).update_accessed_date(false);
    let system = FileSystem::new(volume.cursor(), options).map_err(failed("/"))?;
    let root = system.root_dir();
    for (path, content) in files {
        for (end, _) in path.match_indices('/') {
            root.create_dir(&path[..end]).map_err(failed(path))?;
        }
        let mut file = root.create_file(path).map_err(failed(path))?;
        file.write_all(content).map_err(failed(path))?;
        file.flush().map_err(failed(path))?;
    }
    drop(root);
    system.unmount().map_err(failed("/"))
}

/// Counts the free clusters for the note that FAT32 keeps of them (fatgen103, "FSInfo Sector Structure"); the library's own way of counting
/// takes longer than all the writing.
fn note_free_clusters(volume: &mut Sparse) -> io::Result<()> {
    let mut boot_sector = [0; SECTOR as usize];
    volume.read_at(0, &mut boot_sector)?;
    let word = |at: usize| u64::from(u16::from_le_bytes([boot_sector[at], boot_sector[at + 1]]));
    let long = |at: usize| word(at) | word(at + 2) << 16;
    let (reserved, copies, table, sectors) = (word(14), u64::from(boot_sector[16]), long(36), long(32));
    let sector = u64::from(SECTOR);
    let clusters = (sectors - reserved - copies * table) * sector / u64::from(DISK_CLUSTER);
    let mut entries = vec![0; (clusters as usize + FIRST_CLUSTER) * 4];
    volume.read_at(reserved * sector, &mut entries)?;
    let entries = entries.as_chunks::<4>().0.iter().skip(FIRST_CLUSTER);
    let free = entries.filter(|entry| **entry == [0; 4]).count() as u32;
    volume.write_at(word(48) * sector + FREE_COUNT, &free.to_le_bytes())
}

/// Mends what the FAT library writes into a new folder: its entries `.` and `..` must have no long names, and `..`
/// of a folder in the root must say cluster 0 (fatgen103, "Directory Structure").
fn mend_folder(volume: &mut Sparse, path: &str) -> io::Result<()> {
    let extent = file_extents::find_directory(volume, path).map_err(io::Error::other)?;
    let content = crate::source::read(volume, extent)?;
    let mut entries = Vec::new();
    let mut long_name = 0;
    for entry in content.as_chunks::<FOLDER_ENTRY>().0 {
        let mut entry = *entry;
        let is_dot = entry[0] == b'.';
        if is_dot {
            entries.truncate(entries.len() - long_name);
        }
        if entry[1] == b'.' && is_dot && !path.contains('/') {
            entry[20..22].fill(0);
            entry[26..28].fill(0);
        }
        long_name = if entry[11] == LONG_NAME {
            long_name + FOLDER_ENTRY
        } else {
            0
        };
        entries.extend(entry);
    }
    entries.resize(content.len(), 0);
    volume.write_at(extent.offset, &entries)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;
    use crate::boot_control::SlotNumber;

    fn files() -> Vec<u8> {
        (0..700_000_u32).map(|n| (n % 251) as u8).collect()
    }

    fn read(mut volume: impl Read + Write + io::Seek, path: &str) -> Vec<u8> {
        let system = FileSystem::new(&mut volume, FsOptions::new()).unwrap();
        let mut read = Vec::new();
        system
            .root_dir()
            .open_file(path)
            .unwrap()
            .read_to_end(&mut read)
            .unwrap();
        read
    }

    fn on_disk(loader: &[u8]) -> Sparse {
        let control = Control::installed(SlotNumber::FIRST);
        disk(&DiskFiles {
            loader,
            config: b"menu",
            control,
        })
        .unwrap()
    }

    #[test]
    fn the_loader_is_read_back() {
        let volume = medium(&files()).unwrap();
        assert!(read(Cursor::new(volume), LOADER) == files());
        let mut volume = on_disk(&files());
        assert!(read(volume.cursor(), LOADER) == files());
        assert_eq!(read(volume.cursor(), CONFIG), b"menu");
    }

    #[test]
    fn both_copies_of_the_control_are_there() {
        let mut volume = on_disk(&files());
        let [a, b] = Copy::BOTH.map(|copy| read(volume.cursor(), control_path(copy)));
        assert_eq!(a, b);
        let place = |copy| file_extents::find(&volume, control_path(copy)).unwrap()[0].offset;
        assert!(place(Copy::B) - place(Copy::A) > 1 << 16);
        assert_eq!(Control::parse(&a), Ok(Control::installed(SlotNumber::FIRST)));
    }

    #[test]
    fn a_disk_has_fat32_and_little_is_written() {
        let mut volume = on_disk(&files());
        assert!(volume.written() < 3 << 20, "{}", volume.written());
        let system = FileSystem::new(volume.cursor(), FsOptions::new()).unwrap();
        assert_eq!(
            (system.fat_type(), system.cluster_size()),
            (FatType::Fat32, DISK_CLUSTER)
        );
        assert!(!system.read_status_flags().unwrap().dirty());
    }

    #[test]
    fn same_input_same_bytes() {
        assert!(medium(b"loader").unwrap() == medium(b"loader").unwrap());
        assert!(medium(b"loader").unwrap() != medium(b"reload").unwrap());
        assert!(on_disk(b"loader") == on_disk(b"loader"));
    }
}
