//! Puts finished files into a folder so that each is there whole or not at all.
//!
//! Invariant: everything is written beside and synced before anything gets its final name; on any error, nothing
//! half written stays. Existing files are replaced by rename only.

use std::fs::{self, File};
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
    #[error("cannot write {path}; if the disk is full, make room and build again")]
    Write {
        /// The file.
        path: PathBuf,
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
#[derive(Debug)]
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

/// Files on their way into a folder: all of them get there or none.
#[derive(Debug)]
pub struct Batch {
    folder: PathBuf,
    pending: Vec<Pending>,
}

impl Batch {
    /// An empty batch for `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: &Path) -> Result<Self, PublishError> {
        fs::create_dir_all(folder).map_err(|source| PublishError::Folder {
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            pending: Vec::new(),
        })
    }

    /// Writes a file beside its place, through to the disk, and returns what `write` returned.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add<T>(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut File) -> io::Result<T>,
    ) -> Result<T, PublishError> {
        let pending = Pending {
            beside: self.folder.join(format!(".{name}.new-{}", std::process::id())),
            place: self.folder.join(name),
        };
        let written = File::create(&pending.beside).and_then(|mut file| {
            let result = write(&mut file)?;
            file.sync_all()?;
            Ok(result)
        });
        let result = written.map_err(|source| PublishError::Write {
            path: pending.place.clone(),
            source,
        })?;
        self.pending.push(pending);
        Ok(result)
    }

    /// Gives every file its name, in the order they were added, and returns their places.
    ///
    /// # Errors
    /// When a file cannot be renamed or the folder not be synced.
    pub fn finish(self) -> Result<Vec<PathBuf>, PublishError> {
        for file in &self.pending {
            fs::rename(&file.beside, &file.place).map_err(|source| PublishError::Rename {
                path: file.place.clone(),
                source,
            })?;
        }
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|source| PublishError::Sync {
            path: self.folder.clone(),
            source,
        })?;
        Ok(self.pending.iter().map(|file| file.place.clone()).collect())
    }
}

/// Puts the named contents into `folder`, all of them or none, in the order given.
///
/// # Errors
/// When something cannot be written; a failure before the first rename leaves the folder as it was.
pub fn publish(folder: &Path, files: &[(&str, &[u8])]) -> Result<Vec<PathBuf>, PublishError> {
    let mut batch = Batch::new(folder)?;
    for (name, content) in files {
        batch.add(name, |file| file.write_all(content))?;
    }
    batch.finish()
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
