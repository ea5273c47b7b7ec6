//! Puts finished files into a folder so that each is there whole or not at all.
//!
//! Invariant: everything is written beside and synced before anything gets its final name; on any error, nothing
//! half written stays. Existing files are replaced by rename only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why files could not be put in place.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The folder cannot be made.
    #[error("cannot make the folder {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written; nothing was changed.
    #[error("cannot write {path}, {size} bytes; if the disk is full, make room and build again")]
    Write {
        /// The file.
        path: PathBuf,
        /// Bytes it would have.
        size: usize,
        /// What the system said.
        source: io::Error,
    },
    /// A finished file cannot get its name.
    #[error("cannot put {path} in place")]
    Rename {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder cannot be synced: the files may be lost by a power cut.
    #[error("cannot sync the folder {path}")]
    Sync {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A file written beside its place; removed when it is dropped without having been put there.
struct Pending {
    beside: PathBuf,
    place: PathBuf,
}

impl Drop for Pending {
    fn drop(&mut self) {
        // After the rename there is nothing to remove; before it, leaving rubbish is all that can go wrong.
        let _ = fs::remove_file(&self.beside);
    }
}

/// Puts the named contents into `folder`, all of them or none, in the order given.
///
/// # Errors
/// When something cannot be written; a failure before the first rename leaves the folder as it was.
pub fn publish(folder: &Path, files: &[(&str, &[u8])]) -> Result<Vec<PathBuf>, PublishError> {
    fs::create_dir_all(folder).map_err(|source| PublishError::Folder {
        path: folder.to_owned(),
        source,
    })?;
    let pending: Result<Vec<Pending>, PublishError> = files
        .iter()
        .map(|(name, content)| write_beside(folder, name, content))
        .collect();
    let pending = pending?;
    for file in &pending {
        fs::rename(&file.beside, &file.place).map_err(|source| PublishError::Rename {
            path: file.place.clone(),
            source,
        })?;
    }
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| PublishError::Sync {
        path: folder.to_owned(),
        source,
    })?;
    Ok(pending.iter().map(|file| file.place.clone()).collect())
}

fn write_beside(folder: &Path, name: &str, content: &[u8]) -> Result<Pending, PublishError> {
    let place = folder.join(name);
    let pending = Pending {
        beside: folder.join(format!(".{name}.new-{}", std::process::id())),
        place,
    };
    let failed = |source| PublishError::Write {
        path: pending.place.clone(),
        size: content.len(),
        source,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&pending.beside)
        .map_err(failed)?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    Ok(pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_replaced_whole() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("out");
        publish(&folder, &[("a", b"1"), ("b", b"22")]).unwrap();
        publish(&folder, &[("a", b"333")]).unwrap();
        assert_eq!(names(&folder), ["a", "b"]);
        assert_eq!(fs::read(folder.join("a")).unwrap(), b"333");
    }

    #[test]
    fn a_failure_leaves_what_was_there() {
        let root = tempfile::tempdir().unwrap();
        publish(root.path(), &[("a", b"old")]).unwrap();
        // `missing/b` lies in a folder that does not exist: the second file fails after the first was written.
        let error = publish(root.path(), &[("a", b"new"), ("missing/b", b"x")]).unwrap_err();
        assert!(error.to_string().contains("missing/b"), "{error}");
        assert_eq!(names(root.path()), ["a"]);
        assert_eq!(fs::read(root.path().join("a")).unwrap(), b"old");
    }
}
