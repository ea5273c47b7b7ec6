//! What can go wrong on disk.

use std::io;
use std::path::PathBuf;

use sps_durable::ReplaceError;
use thiserror::Error;

use crate::check::CheckError;
use crate::cipher::CipherError;
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
    /// Listing the folder.
    #[error("could not list {path}")]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A step of replacing a file.
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    /// Another version wrote it.
    #[error("{path} is of another firmware and is kept as it is")]
    OtherLayout {
        /// The file.
        path: PathBuf,
        /// Which, and what to do.
        #[source]
        reason: RecordError,
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
    #[error("there is no revision {number}: it was never made, or is no longer kept")]
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
    /// Making the document's identifier.
    #[error("could not make an identifier for the configuration")]
    Identify(#[source] CipherError),
    /// The document could not be written out.
    #[error("could not write the configuration out; nothing has changed")]
    Encode(#[source] RecordError),
}
