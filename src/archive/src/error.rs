//! What can go wrong.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use sps_cluster_config::{ExportError, OpenError};
use thiserror::Error;

use crate::manifest::ManifestError;

/// Why whoever keeps the trails could not do something.
pub type KeeperError = Box<dyn Error + Send + Sync>;

/// Why something was not done on a shelf.
#[derive(Debug, Error)]
pub enum ShelfError {
    /// It cannot be reached at all.
    #[error("{place}: the target cannot be used: check its settings")]
    Open {
        /// The place.
        place: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A name that is none on a shelf.
    #[error("{place}: {name:?} is no name of an object")]
    Name {
        /// The place.
        place: String,
        /// The name.
        name: String,
    },
    /// An operation failed there.
    #[error("{place}: could not {doing} {name}")]
    Operation {
        /// The place.
        place: String,
        /// What was done.
        doing: &'static str,
        /// With what.
        name: String,
        /// Why.
        #[source]
        source: Box<object_store::Error>,
    },
    /// It does not answer.
    #[error("{place}: could not {doing} {name}: no answer within {} s; check the connection, and try again", .limit.as_secs())]
    Time {
        /// The place.
        place: String,
        /// What was done.
        doing: &'static str,
        /// With what.
        name: String,
        /// The limit.
        limit: Duration,
    },
    /// What came back is not what was sent.
    #[error(
        "{place}: {name} is damaged there: it is not what was sent; check the target before anything else is moved to it"
    )]
    Differs {
        /// The place.
        place: String,
        /// The object.
        name: String,
    },
    /// It is longer than it may be.
    #[error("{place}: {name} is longer than {most} bytes, the most it may have")]
    TooLong {
        /// The place.
        place: String,
        /// The object.
        name: String,
        /// Bytes it may have.
        most: u64,
    },
    /// A local file.
    #[error("could not {doing} {}", path.display())]
    File {
        /// What was done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A local file changed while it was read.
    #[error("{} changed while it was read: it is still being written", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl ShelfError {
    pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}

/// Why archiving ended.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The shelf.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// Whoever keeps the trails.
    #[error("could not {doing}")]
    Keeper {
        /// What was asked.
        doing: &'static str,
        /// Why.
        #[source]
        source: KeeperError,
    },
}

impl ArchiveError {
    pub(crate) const fn keeper(doing: &'static str) -> impl FnOnce(KeeperError) -> Self {
        move |source| Self::Keeper { doing, source }
    }
}

/// Why there is no backup, or nothing was restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The shelf.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// A manifest.
    #[error("{name}: the backup cannot be used")]
    Manifest {
        /// The backup.
        name: String,
        /// Why.
        #[source]
        source: ManifestError,
    },
    /// There is no such backup.
    #[error("{place}: there is no backup {name}: `sps backup list` shows those there are")]
    None {
        /// Where it was looked for.
        place: String,
        /// What was asked for.
        name: String,
    },
    /// What was uploaded is not all there.
    #[error(
        "{place}: {missing} objects of this backup are not there after they were stored: the backup does not count; check the target"
    )]
    Incomplete {
        /// The place.
        place: String,
        /// How many.
        missing: usize,
    },
    /// A file of the backup is not what it was.
    #[error("{path} of the backup {name} is damaged or missing: nothing was restored; take another backup")]
    File {
        /// The backup.
        name: String,
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: Box<ShelfError>,
    },
    /// The keys cannot be encrypted.
    #[error("could not encrypt the keys of the backup")]
    Seal(#[from] ExportError),
    /// The keys cannot be opened.
    #[error("{name}: the keys of the backup cannot be opened")]
    Open {
        /// The backup.
        name: String,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// It was called off.
    #[error("it was stopped; what was stored is used by the next run")]
    Stopped,
}
