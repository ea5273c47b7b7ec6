//! Everything below a folder, one entry after the other: memory does not grow with their number.

use std::ffi::CStr;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Dir, FileType, statat};

use crate::disk::Folder;
use crate::error::StoreError;

/// Folders within folders that are followed: each is open meanwhile.
const DEEPEST: usize = 256;

/// An entry.
pub(crate) struct Entry<'a> {
    /// The folder it is in.
    pub(crate) folder: &'a Folder,
    /// Its name there.
    pub(crate) name: &'a [u8],
    /// Its path below the folder the walk began in.
    pub(crate) relative: &'a [u8],
}

/// What a walk meets.
pub(crate) enum Met<'a> {
    /// A folder; whether to go into it is the answer.
    Folder(Entry<'a>),
    /// Anything else: a file, a link, a pipe. The answer does not matter.
    Other(Entry<'a>),
    /// Everything in a folder that was gone into was met.
    Left(Entry<'a>),
}

struct Level {
    folder: Folder,
    entries: Dir,
    /// Length of the path below the start, with its last slash.
    prefix: usize,
}

/// Walks over everything below `start`, which is not met itself, in the order of the disk.
pub(crate) fn walk(
    start: Folder,
    meet: &mut dyn FnMut(Met<'_>) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let mut path: Vec<u8> = Vec::new();
    let mut levels = vec![level(start, 0)?];
    while let Some(level) = levels.last_mut() {
        path.truncate(level.prefix);
        let Some(entry) = level.entries.next() else {
            let Some(done) = levels.pop() else { break };
            if let Some(above) = levels.last() {
                let relative = &path[..done.prefix - 1];
                let name = &relative[above.prefix..];
                meet(Met::Left(Entry {
                    folder: &above.folder,
                    name,
                    relative,
                }))?;
            }
            continue;
        };
        let entry = entry.map_err(|error| StoreError::read(level.folder.path())(error.into()))?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        path.extend_from_slice(name.to_bytes());
        let met = Entry {
            folder: &level.folder,
            name: name.to_bytes(),
            relative: &path,
        };
        if !is_folder(&level.folder, name, entry.file_type())? {
            meet(Met::Other(met))?;
        } else if meet(Met::Folder(met))? {
            // It was there a moment ago.
            if let Some(below) = level.folder.folder(name.to_bytes())? {
                path.push(b'/');
                if levels.len() >= DEEPEST {
                    return Err(StoreError::TooDeep {
                        path: PathBuf::from(below.path()),
                    });
                }
                let prefix = path.len();
                levels.push(self::level(below, prefix)?);
            }
        }
    }
    Ok(())
}

fn level(folder: Folder, prefix: usize) -> Result<Level, StoreError> {
    let entries =
        Dir::read_from(folder.handle()).map_err(|error| StoreError::read(folder.path())(error.into()))?;
    Ok(Level {
        folder,
        entries,
        prefix,
    })
}

fn is_folder(folder: &Folder, name: &CStr, told: FileType) -> Result<bool, StoreError> {
    if told != FileType::Unknown {
        return Ok(told == FileType::Directory);
    }
    let status = statat(folder.handle(), name, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| StoreError::read(folder.path_of(name.to_bytes()))(error.into()))?;
    Ok(FileType::from_raw_mode(status.st_mode) == FileType::Directory)
}
