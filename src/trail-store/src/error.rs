//! Why something is not recorded.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use sps_trail::TrailError;
use thiserror::Error;

/// Why trails cannot be stored at all.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The folder of trails is not there.
    #[error("could not open the folder of audit trails, {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The thread was not started.
    #[error("could not start the thread that writes audit trails")]
    Thread(#[source] io::Error),
}

/// Why a session is not recorded, or not any longer. It is told again to whoever asks again: cheap to clone.
#[derive(Clone, Debug, Error)]
pub enum RecordError {
    /// There is no room.
    #[error("no session is recorded now: {reason}")]
    NoRoom {
        /// Why.
        reason: String,
    },
    /// The name of the file is none below the folder of trails.
    #[error("an audit trail cannot be called {name:?}")]
    Name {
        /// The name.
        name: String,
    },
    /// A step on the disk failed.
    #[error("could not {operation} the audit trail {path}: nothing more of its session is recorded")]
    Disk {
        /// What was done.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// The event or the whole trail is refused.
    #[error("an event was not recorded")]
    Trail(#[from] TrailError),
    /// The trail has ended.
    #[error("the audit trail has ended")]
    Ended,
    /// The writer of trails has ended.
    #[error("audit trails are no longer written: the appliance is going down")]
    Closed,
}

impl RecordError {
    /// Whether the trail takes further events: one that was refused alone leaves it as it was.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Trail(TrailError::EventTooLong { .. } | TrailError::TimestampTooLong { .. })
        )
    }
}
