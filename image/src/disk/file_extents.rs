//! Finds where the bytes of a file lie on a FAT32 volume, so that they can be overwritten in place without mounting.
//!
//! Source: Microsoft, "FAT: General Overview of On-Disk Format", 1.03 (fatgen103). Invariants: the volume may come from an enemy:
//! every number is checked before it is used, every walk has a bound, no panic, and no extent lies
//! outside the volume or overlaps its tables. Must not write.

use std::io;

use thiserror::Error;

use crate::source::{self, Extent, Source};

/// Bytes of a sector; ours have no other size.
const SECTOR: u64 = 512;
/// Bytes of a directory entry.
const ENTRY: usize = 32;
/// Clusters of a directory that are read: ours have one.
const MAX_DIRECTORY: u64 = 64;
/// Clusters of a file: more than 64 MiB of 1 KiB clusters, far above GRUB's size.
const MAX_CLUSTERS: u64 = 1 << 16;
/// Bytes a path may have.
const MAX_PATH: usize = 128;
/// Long-name entries of one file: 20 of 13 units are 255 characters.
const MAX_LONG: usize = 20;
const LONG_UNITS: usize = 13;

const DIRECTORY: u8 = 0x10;
const VOLUME: u8 = 0x08;
const LONG_NAME: u8 = 0x0f;
const DELETED: u8 = 0xe5;
/// The bits of a FAT entry that count.
const CLUSTER_MASK: u32 = 0x0fff_ffff;
/// From here on a FAT entry ends a chain.
const END: u32 = 0x0fff_fff8;

/// Why a file cannot be found.
#[derive(Debug, Error)]
pub enum FatError {
    /// The volume is not FAT32 as ours is.
    #[error("the volume is not a FAT32 file system: its {0} is not possible")]
    NotFat32(&'static str),
    /// A directory or file of the path is not there.
    #[error("there is no {path} on the volume")]
    NotFound {
        /// The path asked for.
        path: String,
    },
    /// A chain of clusters is broken, too long or goes in circles.
    #[error(
        "the clusters of {path} are damaged: make the EFI system partition anew by installing the firmware again"
    )]
    Chain {
        /// The path asked for.
        path: String,
    },
    /// The bytes could not be read.
    #[error("cannot read the volume")]
    Read(#[source] io::Error),
}

/// The places of a file's bytes in order, as offsets in the volume; neighbours are joined. `path` has `/` between its
/// parts; the case of ASCII letters does not matter.
///
/// # Errors
/// When the volume is not FAT32, is damaged where it is looked at, or has no such file.
pub fn find(volume: &(impl Source + ?Sized), path: &str) -> Result<Vec<Extent>, FatError> {
    let fat = Fat::open(volume)?;
    let at = fat.walk(path)?;
    if at.directory {
        return Err(not_found(path));
    }
    fat.extents(at.first, u64::from(at.size), path)
}

/// The place of a directory's first cluster.
///
/// # Errors
/// As [`find`].
pub(crate) fn find_directory(volume: &(impl Source + ?Sized), path: &str) -> Result<Extent, FatError> {
    let fat = Fat::open(volume)?;
    let at = fat.walk(path)?;
    let offset = fat.offset(at.first).filter(|_| at.directory);
    Ok(Extent {
        offset: offset.ok_or_else(|| not_found(path))?,
        size: fat.cluster,
    })
}

fn not_found(path: &str) -> FatError {
    FatError::NotFound {
        path: path.chars().take(MAX_PATH).collect(),
    }
}

/// The numbers of the boot sector that are needed.
struct Fat<'a, S: Source + ?Sized> {
    volume: &'a S,
    /// Offset of the first FAT.
    table: u64,
    /// Offset of cluster 2.
    data: u64,
    /// Bytes of a cluster.
    cluster: u64,
    /// Clusters there are.
    clusters: u32,
    root: u32,
}

/// What a directory entry says.
struct Found {
    first: u32,
    size: u32,
    directory: bool,
}

impl<'a, S: Source + ?Sized> Fat<'a, S> {
    fn open(volume: &'a S) -> Result<Self, FatError> {
        let mut boot = [0; SECTOR as usize];
        volume.read_at(0, &mut boot).map_err(FatError::Read)?;
        let need = |good: bool, what| {
            if good {
                Ok(())
            } else {
                Err(FatError::NotFat32(what))
            }
        };
        need(boot[510..] == [0x55, 0xaa], "signature")?;
        need(u64::from(u16_at(&boot, 11)) == SECTOR, "sector size")?;
        need(boot[13].is_power_of_two(), "cluster size")?;
        let old = [17, 19, 22].map(|at| u16_at(&boot, at));
        need(old == [0; 3], "size for older FATs")?;
        need(matches!(boot[16], 1 | 2), "number of FATs")?;
        // Bit 7: one FAT is used instead of all.
        need(boot[40] & 0x80 == 0, "mirroring")?;
        let (reserved, fats) = (u64::from(u16_at(&boot, 14)), u64::from(boot[16]));
        let (sectors, per_fat) = (u64::from(u32_at(&boot, 32)), u64::from(u32_at(&boot, 36)));
        let first = reserved + fats * per_fat;
        need(reserved > 0 && first < sectors, "place of the data")?;
        need(sectors * SECTOR <= volume.size(), "size")?;
        let clusters = (sectors - first) / u64::from(boot[13]);
        // Entries 0 and 1 have no cluster.
        need((clusters + 2) * 4 <= per_fat * SECTOR, "size of the FAT")?;
        let fat = Self {
            volume,
            table: reserved * SECTOR,
            data: first * SECTOR,
            cluster: u64::from(boot[13]) * SECTOR,
            clusters: u32::try_from(clusters).map_err(|_| FatError::NotFat32("number of clusters"))?,
            root: u32_at(&boot, 44),
        };
        need(fat.offset(fat.root).is_some(), "root directory")?;
        Ok(fat)
    }

    /// What a path leads to.
    fn walk(&self, path: &str) -> Result<Found, FatError> {
        let mut at = Found {
            first: self.root,
            size: 0,
            directory: true,
        };
        if path.len() > MAX_PATH {
            return Err(not_found(path));
        }
        for part in path.split('/') {
            let inside = at.directory && !part.is_empty();
            let entry = if inside {
                self.look_up(at.first, part, path)?
            } else {
                None
            };
            at = entry.ok_or_else(|| not_found(path))?;
        }
        Ok(at)
    }

    /// Where a cluster lies, if there is such a cluster.
    fn offset(&self, cluster: u32) -> Option<u64> {
        let index = cluster.checked_sub(2).filter(|index| *index < self.clusters)?;
        Some(self.data + u64::from(index) * self.cluster)
    }

    /// The cluster after this one, or nothing at the end of a chain.
    fn next(&self, cluster: u32) -> Result<Option<u32>, FatError> {
        let mut entry = [0; 4];
        let offset = self.table + u64::from(cluster) * 4;
        self.volume.read_at(offset, &mut entry).map_err(FatError::Read)?;
        let next = u32::from_le_bytes(entry) & CLUSTER_MASK;
        Ok((next < END).then_some(next))
    }

    /// Looks for `name` in the directory that begins at a cluster.
    fn look_up(&self, first: u32, name: &str, path: &str) -> Result<Option<Found>, FatError> {
        let mut long = LongName::default();
        let mut at = Some(first);
        for _ in 0..MAX_DIRECTORY {
            let Some(cluster) = at else { return Ok(None) };
            let offset = self.offset(cluster).ok_or_else(|| chain(path))?;
            let extent = Extent {
                offset,
                size: self.cluster,
            };
            let content = source::read(self.volume, extent).map_err(FatError::Read)?;
            for entry in content.as_chunks::<ENTRY>().0 {
                match entry[0] {
                    0 => return Ok(None),
                    DELETED => long = LongName::default(),
                    _ if entry[11] == LONG_NAME => long.add(entry),
                    _ if entry[11] & VOLUME != 0 => long = LongName::default(),
                    _ if is_named(entry, &long, name) => return Ok(Some(found(entry))),
                    _ => long = LongName::default(),
                }
            }
            at = self.next(cluster)?;
        }
        Err(chain(path))
    }

    fn extents(&self, first: u32, size: u64, path: &str) -> Result<Vec<Extent>, FatError> {
        let count = size.div_ceil(self.cluster);
        if count > MAX_CLUSTERS.min(u64::from(self.clusters)) {
            return Err(chain(path));
        }
        let mut extents: Vec<Extent> = Vec::new();
        let (mut at, mut left) = (Some(first), size);
        for _ in 0..count {
            let cluster = at.ok_or_else(|| chain(path))?;
            let offset = self.offset(cluster).ok_or_else(|| chain(path))?;
            let size = left.min(self.cluster);
            match extents.last_mut() {
                Some(last) if last.end() == offset => last.size += size,
                _ => extents.push(Extent { offset, size }),
            }
            left -= size;
            at = self.next(cluster)?;
        }
        // A chain that goes on is another file's, or a circle.
        if at.is_some() && count > 0 {
            return Err(chain(path));
        }
        Ok(extents)
    }
}

fn chain(path: &str) -> FatError {
    FatError::Chain {
        path: path.to_owned(),
    }
}

fn found(entry: &[u8; ENTRY]) -> Found {
    Found {
        first: u32::from(u16_at(entry, 20)) << 16 | u32::from(u16_at(entry, 26)),
        size: u32_at(entry, 28),
        directory: entry[11] & DIRECTORY != 0,
    }
}

/// The long name collected from the entries before a file's own.
#[derive(Default)]
struct LongName {
    /// By position in the name.
    parts: [Option<[u16; LONG_UNITS]>; MAX_LONG],
    checksum: u8,
}

impl LongName {
    fn add(&mut self, entry: &[u8; ENTRY]) {
        let (order, last) = (usize::from(entry[0] & 0x3f), entry[0] & 0x40 != 0);
        if last || entry[13] != self.checksum {
            *self = Self::default();
            self.checksum = entry[13];
        }
        let places = [1..11, 14..26, 28..32];
        let units = places
            .into_iter()
            .flat_map(|place| entry[place].as_chunks::<2>().0);
        let mut part = [0; LONG_UNITS];
        for (unit, bytes) in part.iter_mut().zip(units) {
            *unit = u16::from_le_bytes(*bytes);
        }
        if let Some(slot) = order.checked_sub(1).and_then(|at| self.parts.get_mut(at)) {
            *slot = Some(part);
        }
    }

    fn text(&self) -> String {
        let units: Vec<u16> = self.parts.iter().map_while(|part| *part).flatten().collect();
        let name = units.split(|unit| *unit == 0).next().unwrap_or_default();
        String::from_utf16_lossy(name)
    }
}

/// Whether an entry has this name, long or short.
fn is_named(entry: &[u8; ENTRY], long: &LongName, name: &str) -> bool {
    let short = &entry[..11];
    let sum = short
        .iter()
        .fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
    let long = (long.checksum == sum).then(|| long.text());
    long.is_some_and(|long| long.eq_ignore_ascii_case(name)) || short_name(short).eq_ignore_ascii_case(name)
}

fn short_name(bytes: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let (base, extension) = (text(&bytes[..8]), text(&bytes[8..]));
    if extension.is_empty() {
        base
    } else {
        format!("{base}.{extension}")
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot_control::{Control, Copy, SlotNumber};
    use crate::disk::sparse::Sparse;
    use crate::disk::write::Device;
    use crate::esp::{self, CONFIG, DiskFiles, LOADER, control_path};

    fn volume() -> Sparse {
        let control = Control::installed(SlotNumber::FIRST);
        let loader: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        esp::disk(&DiskFiles {
            loader: &loader,
            config: &[b'x'; 3000],
            control,
        })
        .unwrap()
    }

    fn content(volume: &Sparse, path: &str) -> Vec<u8> {
        let extents = find(volume, path).unwrap();
        let read = |extent: &Extent| source::read(volume, *extent).unwrap();
        extents.iter().flat_map(read).collect()
    }

    #[test]
    fn files_are_found_where_their_bytes_are() {
        let volume = volume();
        let control = Control::installed(SlotNumber::FIRST).to_bytes();
        for copy in Copy::BOTH {
            assert_eq!(content(&volume, control_path(copy)), control);
            assert_eq!(find(&volume, control_path(copy)).unwrap().len(), 1);
        }
        assert_eq!(content(&volume, CONFIG), [b'x'; 3000]);
        assert_eq!(content(&volume, LOADER).len(), 100_000);
        assert_eq!(content(&volume, "efi/Boot/bootx64.efi").len(), 100_000);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let volume = volume();
        let long = "a".repeat(200);
        for path in [
            "",
            "/",
            "sps",
            "sps/",
            "sps/control-c.env",
            "sps/grub.cfg/x",
            "SPS ESP",
            &long,
        ] {
            assert!(
                matches!(find(&volume, path), Err(FatError::NotFound { .. })),
                "{path}"
            );
        }
        let zeros = Sparse::new(1 << 20);
        assert!(matches!(
            find(&zeros, CONFIG),
            Err(FatError::NotFat32("signature"))
        ));
        assert!(matches!(find(&Sparse::new(100), CONFIG), Err(FatError::Read(_))));
    }

    #[test]
    fn circles_and_strange_clusters_are_refused() {
        let good = volume();
        let fat = Fat::open(&good).unwrap();
        let extent = find(&good, LOADER).unwrap()[0];
        let cluster = (extent.offset - fat.data) / fat.cluster + 2;
        for wrong in [cluster as u32, 0, 1, fat.clusters + 2, 0x0fff_fff7] {
            let mut volume = good.clone();
            volume
                .write_at(fat.table + (cluster + 5) * 4, &wrong.to_le_bytes())
                .unwrap();
            let error = find(&volume, LOADER).unwrap_err();
            assert!(matches!(error, FatError::Chain { .. }), "{wrong}");
        }
        let mut shorter = good.clone();
        shorter
            .write_at(fat.table + (cluster + 5) * 4, &END.to_le_bytes())
            .unwrap();
        assert!(matches!(find(&shorter, LOADER), Err(FatError::Chain { .. })));
    }

    #[test]
    fn damaged_boot_sectors_never_panic() {
        let good = volume();
        for at in 0..SECTOR {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                let mut volume = good.clone();
                volume.write_at(at, &[value]).unwrap();
                if let Ok(extents) = find(&volume, control_path(Copy::A)) {
                    assert!(extents.iter().all(|extent| extent.end() <= volume.size()));
                }
            }
        }
    }
}
