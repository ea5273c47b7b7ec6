//! Why a policy was not carried out.

use std::io;
use std::path::PathBuf;

use sps_archive::{ArchiveError, BackupError, ShelfError};
use sps_archive_engine::DailyError;
use sps_cluster_config::{KeyError, WrapError};
use sps_datastore::{ContentError, StoreError};
use sps_durable::ReplaceError;
use sps_index::IndexError;
use sps_sessions::SessionsError;
use sps_storage::additional::AdditionalError;
use thiserror::Error;

/// Why a policy was not carried out.
#[derive(Debug, Error)]
pub(crate) enum SpaceError {
    #[error("the data store is not available: the service data says why, see `sps status`")]
    NoStore,
    #[error("another archiving, backup or restore is going on: wait until it has ended")]
    Busy,
    #[error("there is no policy {name:?}: `sps archive show` lists those there are")]
    NoPolicy { name: String },
    #[error("its target is not reached: {why}")]
    Unreachable { why: &'static str },
    #[error("the secret key of its target is not known: enter it again")]
    NoSecret,
    #[error("its trust store {name:?} is not there: choose another")]
    NoTrustStore { name: String },
    #[error("it has no password for the keys in the backup: set one")]
    NoPassword,
    #[error(
        "the cluster key is not on this node, so a backup could not be opened again: join the cluster again"
    )]
    NoKey,
    #[error(
        "the index of content is not open, and must forget what is deleted: the log says why; it is tried again the next day"
    )]
    NoIndex,
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the clock has leapt: nothing is deleted before it has gone on for a day; set the time")]
    Clock,
    #[error(
        "{sessions} sessions are recorded here, and a backup of layout {layout} is restored into an appliance without any: install anew, \
         keeping no data"
    )]
    NotEmpty { sessions: u64, layout: u32 },
    #[error("the missing audit trails have {needed} bytes and {free} are free: enlarge the disk, or archive")]
    NoRoom { needed: u64, free: u64 },
    #[error("the session database of the backup is not in it: take another backup")]
    NoDatabase,
    #[error("{made}; {unread} audit trails cannot be read and are not in it: {which}; check the disk")]
    Unread {
        made: String,
        unread: u64,
        which: String,
    },
    #[error("a session of the backup could not be added")]
    Add(#[source] ContentError),
    #[error("backups of several appliances are there: name one of {names}")]
    Several { names: String },
    #[error(transparent)]
    Start(#[from] DailyError),
    #[error(transparent)]
    Disk(#[from] AdditionalError),
    #[error("could not make or remove {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sessions(#[from] SessionsError),
    #[error("the sessions cannot be counted")]
    Content(#[source] ContentError),
    #[error("the keys of the backup are damaged: take another backup")]
    Keys(#[source] serde_json::Error),
    #[error("the keys of the backup cannot be used")]
    Key(#[from] KeyError),
    #[error("the cluster key of the backup could not be wrapped")]
    Wrap(#[from] WrapError),
    #[error("the cluster key of the backup could not be kept")]
    Keep(#[from] ReplaceError),
}

impl SpaceError {
    pub(crate) fn folder(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Folder { path, source }
    }
}
