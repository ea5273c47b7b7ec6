//! The files below a folder in the order of their paths, part by part: what two walks at different times met can be compared without
//! keeping either in memory. Symbolic links are not followed, and are no files.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use crate::error::ShelfError;

/// Folders within folders that are followed.
const DEEPEST: usize = 256;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its path below the folder.
    pub(crate) relative: Vec<u8>,
    /// Its path.
    pub(crate) path: PathBuf,
    /// Bytes.
    pub(crate) size: u64,
    /// When it was changed last, nanoseconds since 1970.
    pub(crate) modified: i64,
}

/// The walk.
#[derive(Debug)]
pub(crate) struct Files {
    levels: Vec<(PathBuf, Vec<u8>, IntoIter<OsString>)>,
}

impl Files {
    pub(crate) fn below(root: &Path) -> Result<Self, ShelfError> {
        let first = (root.to_owned(), Vec::new(), names(root)?);
        Ok(Self { levels: vec![first] })
    }

    fn step(&mut self) -> Result<Option<Found>, ShelfError> {
        loop {
            let depth = self.levels.len();
            let Some((folder, prefix, names_left)) = self.levels.last_mut() else {
                return Ok(None);
            };
            let Some(name) = names_left.next() else {
                self.levels.pop();
                continue;
            };
            let path = folder.join(&name);
            let mut relative = prefix.clone();
            relative.extend_from_slice(name.as_bytes());
            let metadata = match fs::symlink_metadata(&path) {
                Ok(metadata) => metadata,
                // Gone since its folder was read.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(ShelfError::file("read", path)(error)),
            };
            if metadata.is_dir() {
                if depth >= DEEPEST {
                    let deep = std::io::Error::other("folders lie too deep in folders");
                    return Err(ShelfError::file("read", path)(deep));
                }
                relative.push(b'/');
                let below = names(&path)?;
                self.levels.push((path, relative, below));
            } else if metadata.is_file() {
                return Ok(Some(Found {
                    relative,
                    size: metadata.len(),
                    modified: modified(&metadata),
                    path,
                }));
            }
        }
    }
}

/// When a file was changed last, nanoseconds since 1970.
pub(crate) fn modified(metadata: &fs::Metadata) -> i64 {
    metadata
        .mtime()
        .saturating_mul(1_000_000_000)
        .saturating_add(metadata.mtime_nsec())
}

fn names(folder: &Path) -> Result<IntoIter<OsString>, ShelfError> {
    let entries = fs::read_dir(folder).map_err(ShelfError::file("read", folder))?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
    let mut names: Vec<OsString> = names
        .collect::<Result<_, _>>()
        .map_err(ShelfError::file("read", folder))?;
    names.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    Ok(names.into_iter())
}

impl Iterator for Files {
    type Item = Result<Found, ShelfError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.levels.clear();
        }
        step.transpose()
    }
}

/// Which of two paths a walk meets first.
pub(crate) fn order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    let parts = |path: &[u8]| {
        path.split(|byte| *byte == b'/')
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    parts(a).cmp(&parts(b))
}

/// The path of a relative one.
pub(crate) fn joined(root: &Path, relative: &[u8]) -> PathBuf {
    root.join(OsString::from_vec(relative.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_the_order_that_can_be_compared_and_links_do_not() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b/z", "b-a", "b/a/x", "a", "b.d/e"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("b/folder")).unwrap();
        let found: Vec<Vec<u8>> = Files::below(folder.path())
            .unwrap()
            .map(|found| found.unwrap().relative)
            .collect();
        assert_eq!(found, [&b"a"[..], b"b/a/x", b"b/z", b"b-a", b"b.d/e"]);
        assert!(found.is_sorted_by(|a, b| order(a, b).is_lt()));
    }
}
