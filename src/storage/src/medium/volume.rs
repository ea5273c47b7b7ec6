//! A volume, whichever of the file systems it has.

use std::io;

use sps_image::source::{Extent, Source};

use super::{MediumFile, fat, iso};

/// Bytes of the largest file that is looked for.
pub const MOST_FILE: u64 = 1 << 30;

/// A file in the root folder of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
}

/// Whether the volume has a file system that can be read here.
pub fn is_readable<S: Source + ?Sized>(volume: &S) -> bool {
    iso::is_iso(volume) || fat::is_fat(volume)
}

/// Where the bytes of a file lie, whatever the case of its path; nothing when there is no such file, or no file system that can be
/// read here.
///
/// # Errors
/// When the volume is damaged or cannot be read, or the file is larger than [`MOST_FILE`].
pub fn find<S: Source + ?Sized>(volume: &S, path: &str) -> io::Result<Option<Vec<Extent>>> {
    match iso::find(volume, path)? {
        Some(place) => Ok(Some(vec![place])),
        None => fat::find(volume, path),
    }
}

/// The files of the root folder.
///
/// # Errors
/// When the volume is damaged or cannot be read.
pub fn list<S: Source + ?Sized>(volume: &S) -> io::Result<Vec<Entry>> {
    if iso::is_iso(volume) {
        iso::list(volume)
    } else {
        fat::list(volume)
    }
}

/// Reads a file up to one byte more than `most`; nothing as in [`find`].
///
/// # Errors
/// As in [`find`].
pub fn read<S: Source + ?Sized>(volume: &S, path: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
    let Some(places) = find(volume, path)? else {
        return Ok(None);
    };
    let file = MediumFile::new(volume, places);
    let size = usize::try_from(file.size()).map_or(most + 1, |size| size.min(most + 1));
    let mut bytes = vec![0; size];
    file.read_at(0, &mut bytes)?;
    Ok(Some(bytes))
}
