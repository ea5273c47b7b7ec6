//! Files of a FAT volume, found without mounting it: `fatfs` walks folders and chains, and the sheet under it notes where it looks.
//!
//! Invariants: every walk has a bound; no piece of a file lies outside the volume; nothing is written; a panic of `fatfs`, whose arithmetic trusts
//! the volume, is an error like any other.

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use fatfs::{Dir, DirEntry, File, FileSystem, FsOptions};
use sps_image::source::{Extent, Source};

use super::sheet::{Cursor, Mode, Sheet};
use super::{Entry, MOST_FILE};

/// Bytes of the volume that may be read: folders take a few dozen kilobytes, the chain of the largest file of the smallest clusters
/// 8 MiB; a large FAT that has no free-cluster hint is not looked through.
const BUDGET: u64 = 16 << 20;
/// Entries of a folder that are looked at.
pub(super) const MOST_ENTRIES: usize = 4096;
/// Pieces of a file: a firmware on a stick in use has some dozens.
const MOST_PIECES: usize = 1 << 16;
/// Bytes taken at once, as large as the largest cluster there is.
const PIECE: usize = 64 * 1024;

type Folder<'f, 's, 'a, S> = Dir<'f, Cursor<'s, 'a, S>>;

/// Where the file at `path` lies, whatever the case; nothing when this is no FAT or has no such file.
pub(super) fn find<S: Source + ?Sized>(volume: &S, path: &str) -> io::Result<Option<Vec<Extent>>> {
    if !is_fat(volume) {
        return Ok(None);
    }
    contained(|| walk(volume, path))
}

/// What `fatfs` does, a panic taken for damage.
pub(super) fn contained<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(io::Error::other("the FAT file system is damaged")))
}

fn walk<S: Source + ?Sized>(volume: &S, path: &str) -> io::Result<Option<Vec<Extent>>> {
    let sheet = Sheet::new(volume, BUDGET);
    let system = FileSystem::new(Cursor::new(&sheet), options())?;
    let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
    let mut folder = system.root_dir();
    while let Some(part) = parts.next() {
        let Some(entry) = entry(&folder, part)? else {
            return Ok(None);
        };
        match (parts.peek(), entry.is_dir()) {
            (Some(_), true) => folder = entry.to_dir(),
            (None, false) if entry.len() > MOST_FILE.min(volume.size()) => {
                return Err(io::Error::other("the file is too large"));
            }
            (None, false) => return pieces(&sheet, &mut entry.to_file(), entry.len()).map(Some),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// The files of the root folder; none when this is no FAT.
pub(super) fn list<S: Source + ?Sized>(volume: &S) -> io::Result<Vec<Entry>> {
    if !is_fat(volume) {
        return Ok(Vec::new());
    }
    contained(|| root_files(volume))
}

fn root_files<S: Source + ?Sized>(volume: &S) -> io::Result<Vec<Entry>> {
    let sheet = Sheet::new(volume, BUDGET);
    let system = FileSystem::new(Cursor::new(&sheet), options())?;
    let mut files = Vec::new();
    for entry in system.root_dir().iter().take(MOST_ENTRIES) {
        let entry = entry?;
        if entry.is_file() {
            files.push(Entry {
                name: entry.file_name(),
                size: entry.len(),
            });
        }
    }
    Ok(files)
}

/// A jump, the boot signature and a possible sector size (Microsoft, "FAT: General Overview of On-Disk Format").
pub(super) fn is_fat(volume: &(impl Source + ?Sized)) -> bool {
    let mut boot = [0; 512];
    let sector = |boot: &[u8; 512]| u16::from_le_bytes([boot[11], boot[12]]);
    volume.read_at(0, &mut boot).is_ok()
        && matches!(boot[0], 0xeb | 0xe9)
        && boot[510..] == [0x55, 0xaa]
        && matches!(sector(&boot), 512 | 1024 | 2048 | 4096)
        && boot[13].is_power_of_two()
        && matches!(boot[16], 1 | 2)
}

fn options() -> FsOptions {
    FsOptions::new().update_accessed_date(false)
}

fn entry<'f, 's, 'a, S: Source + ?Sized>(
    folder: &Folder<'f, 's, 'a, S>,
    name: &str,
) -> io::Result<Option<DirEntry<'f, Cursor<'s, 'a, S>>>> {
    for entry in folder.iter().take(MOST_ENTRIES) {
        let entry = entry?;
        if entry.file_name().eq_ignore_ascii_case(name) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// Where the bytes of a file lie: it is read from its beginning to its end without its bytes, and each read says where.
fn pieces<S: Source + ?Sized>(
    sheet: &Sheet<'_, S>,
    file: &mut File<'_, Cursor<'_, '_, S>>,
    size: u64,
) -> io::Result<Vec<Extent>> {
    let mut pieces: Vec<Extent> = Vec::new();
    let (mut buffer, mut found) = (vec![0; PIECE], 0);
    sheet.set(Mode::Survey);
    loop {
        let length = file.read(&mut buffer)? as u64;
        if length == 0 {
            break;
        }
        let offset = sheet.last();
        match pieces.last_mut() {
            Some(last) if last.end() == offset => last.size += length,
            _ => pieces.push(Extent { offset, size: length }),
        }
        if pieces.len() > MOST_PIECES {
            let text = "the file lies in too many pieces: copy it to a freshly formatted stick";
            return Err(io::Error::other(text));
        }
        found += length;
    }
    sheet.set(Mode::Read);
    if found == size {
        Ok(pieces)
    } else {
        Err(io::Error::other(
            "the file ends before its end: copy it to the stick again",
        ))
    }
}
