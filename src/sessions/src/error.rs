//! Why something could not be done.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use sps_session_record::RecordError;
use thiserror::Error;

use crate::filter::FilterError;
use crate::pack::PackError;

/// Why the session database did not do what it was asked for.
#[derive(Debug, Error)]
pub enum SessionsError {
    /// The file cannot be opened or made.
    #[error("could not open the session database {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// Another firmware made it.
    #[error(
        "the session database {path} has version {found}, this firmware knows version {known}: start the firmware that made it, or let this one rebuild it from the audit trails"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: i64,
        /// The version of this code.
        known: i64,
    },
    /// It is somebody else's database.
    #[error("{path} is a database, but no session database: put it aside and rebuild from the audit trails")]
    Stranger {
        /// The file.
        path: PathBuf,
    },
    /// It is damaged.
    #[error(
        "the session database {path} is damaged: put it aside and rebuild it from the audit trails, which hold everything it held"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        #[source]
        source: Damage,
    },
    /// The disk has no room for it.
    #[error("no room is left for the session database {path} (could not {what}): archive or delete sessions")]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// The operation.
        what: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// One operation failed.
    #[error("could not {what} in the session database {path}")]
    Operation {
        /// The file.
        path: PathBuf,
        /// The operation.
        what: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The thread that writes cannot be started.
    #[error("could not start the thread that writes the session database {path}")]
    Thread {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The copy would overwrite a file.
    #[error("the copy of the session database cannot be made: {path} is there already")]
    CopyExists {
        /// Where the copy was wanted.
        path: PathBuf,
    },
    /// The copy cannot be made durable.
    #[error("could not sync the copy of the session database {path}")]
    SyncCopy {
        /// The copy.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The record breaks a bound.
    #[error("the session is refused")]
    Record(#[from] RecordError),
    /// A batch is too large.
    #[error("a batch has {size} sessions, at most {limit} are imported at once")]
    Batch {
        /// Its sessions.
        size: usize,
        /// The most.
        limit: usize,
    },
    /// The filter or the cursor is refused.
    #[error("the search is refused")]
    Filter(#[from] FilterError),
    /// The writer does not keep up: the disk is full or too slow.
    #[error(
        "the session database takes nothing more: {waiting} changes wait to be written; is the disk full?"
    )]
    Busy {
        /// Changes that wait.
        waiting: usize,
    },
    /// Its time was over before it had an answer.
    #[error("the session database did not answer in the time given: try again")]
    Time,
    /// A reader was not free in time.
    #[error("too many searches run at once: try again")]
    Readers,
    /// It was closed.
    #[error("the session database is closed")]
    Closed,
    /// The writer ended after an error that does not pass.
    #[error("the session database is no longer written: {error}")]
    Ended {
        /// The error with its causes.
        error: String,
    },
}

/// What is wrong with a damaged database.
#[derive(Debug, Error)]
pub enum Damage {
    /// SQLite says so.
    #[error("could not {what}")]
    Database {
        /// The operation.
        what: &'static str,
        /// What it says.
        #[source]
        source: rusqlite::Error,
    },
    /// A row holds what this code never writes.
    #[error("could not read the channels and events of a session")]
    Pack(#[from] PackError),
    /// A row refers to what is not there.
    #[error("a session has no {what}")]
    Missing {
        /// What is not there.
        what: &'static str,
    },
    /// The check found it.
    #[error("the check found: {found}")]
    Check {
        /// Its first line.
        found: String,
    },
}

/// An error inside: of which file, the room's edge knows.
#[derive(Debug)]
pub(crate) enum Fault {
    /// SQLite refused.
    Sql(&'static str, rusqlite::Error),
    /// A row is wrong.
    Row(Damage),
    /// Asked wrongly.
    Asked(FilterError),
    /// The time of a search is over.
    Time,
}

pub(crate) type Faulty<T> = Result<T, Fault>;

/// Names the operation that SQLite refused.
pub(crate) trait Doing<T> {
    /// `what` completes "could not …".
    fn doing(self, what: &'static str) -> Faulty<T>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, what: &'static str) -> Faulty<T> {
        self.map_err(|source| Fault::Sql(what, source))
    }
}

impl From<PackError> for Fault {
    fn from(error: PackError) -> Self {
        Self::Row(error.into())
    }
}

impl Fault {
    /// Whether it is the time limit of the search.
    pub(crate) fn is_time(&self) -> bool {
        match self {
            Self::Time => true,
            Self::Sql(_, error) => error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted),
            Self::Row(_) | Self::Asked(_) => false,
        }
    }

    /// Whether the same may succeed later: a full or slow disk.
    pub(crate) fn passes(&self) -> bool {
        let Self::Sql(_, error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::OutOfMemory
                    | ErrorCode::CannotOpen
                    | ErrorCode::ReadOnly
            )
        )
    }

    /// Whether the file itself is damaged.
    pub(crate) fn is_damage(&self) -> bool {
        let Self::Sql(_, error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
    }

    /// The error as it leaves the room.
    pub(crate) fn of(self, path: &Path) -> SessionsError {
        let path = path.to_owned();
        match self {
            Self::Row(source) => SessionsError::Damaged { path, source },
            Self::Asked(error) => SessionsError::Filter(error),
            Self::Time => SessionsError::Time,
            Self::Sql(what, source) => match source.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => SessionsError::Damaged {
                    path,
                    source: Damage::Database { what, source },
                },
                Some(ErrorCode::DiskFull) => SessionsError::NoRoom { path, what, source },
                Some(ErrorCode::OperationInterrupted) => SessionsError::Time,
                _ => SessionsError::Operation { path, what, source },
            },
        }
    }
}

impl SessionsError {
    /// Whether the file itself is damaged: what can be read of it is read into a new one ([`crate::Salvage`]).
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Stranger { .. } => true,
            Self::Open { source, .. } | Self::Operation { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ),
            _ => false,
        }
    }

    /// The error with its causes, in one line.
    pub(crate) fn told(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}
