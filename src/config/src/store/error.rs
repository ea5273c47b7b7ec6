//! What can go wrong on disk.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::check::CheckError;
use crate::node::FORMAT;
use crate::record::RecordError;

/// Why the configuration cannot be read or changed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Reading a file.
    #[error("could not read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Listing a folder.
    #[error("could not list {path}")]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making a folder.
    #[error("could not make the folder {path}")]
    CreateFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Writing a file.
    #[error("could not write {path}; nothing has changed")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making a file durable.
    #[error("could not sync {path}; nothing has changed")]
    Sync {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Renaming a file to its place.
    #[error("could not rename {path}; nothing has changed")]
    Rename {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making names durable.
    #[error("could not sync the folder {path}; the change may be lost at a power cut, make it again")]
    SyncFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A later version wrote it.
    #[error(
        "{path} has format {found}, newer than {FORMAT}, which this firmware reads; it is kept as it is: boot the \
         firmware that wrote it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A revision's file is no revision.
    #[error("{path} cannot be used")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        reason: RecordError,
    },
    /// There is no such revision.
    #[error("there is no revision {number}")]
    NoRevision {
        /// Its number.
        number: u64,
    },
    /// Somebody else was faster.
    #[error(
        "the configuration was changed meanwhile by {who} (revision {current}, not {expected}); look at it and make the \
         change again"
    )]
    Conflict {
        /// The revision the change was made for.
        expected: u64,
        /// The one in force.
        current: u64,
        /// Who made that one.
        who: String,
    },
    /// A value cannot be.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The document could not be written out.
    #[error("could not write the configuration out")]
    Encode(#[source] RecordError),
}
