//! What can go wrong.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why metadata was not read or written.
#[derive(Debug, Error)]
pub enum MetadbError {
    /// There is no such database.
    #[error("{} holds no database of metadata", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// Reading failed.
    #[error("the metadata in {} cannot be read", path.display())]
    Read {
        /// File or folder.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// Writing failed.
    #[error("the metadata in {} cannot be written", path.display())]
    Write {
        /// File or folder.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A file could not be replaced.
    #[error("{} cannot be removed", path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl MetadbError {
    pub(crate) fn read(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read {
            path: path.clone(),
            source,
        }
    }

    pub(crate) fn write(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write {
            path: path.clone(),
            source,
        }
    }
}
