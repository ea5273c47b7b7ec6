//! What can go wrong.

use std::io;
use std::path::PathBuf;

use sps_datastore_engine::{PlanError, Refusal, TreeName};
use sps_durable::{LoadError, SaveError};
use thiserror::Error;

use crate::content::ContentError;
use crate::steps::Step;

/// Why something on the data store was not done.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Something could not be looked at.
    #[error("could not read {}", shown(path))]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something could not be changed.
    #[error("could not {step} {}", shown(path))]
    Change {
        /// What was to be done.
        step: Step,
        /// With what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A document of the store cannot be read.
    #[error("{tree}: a document cannot be used")]
    Load {
        /// Where it lies.
        tree: PathBuf,
        /// Which, and why.
        source: LoadError,
    },
    /// A document of the store could not be kept.
    #[error("{tree}: a document could not be kept")]
    Save {
        /// Where it lies.
        tree: PathBuf,
        /// Which, and why.
        source: SaveError,
    },
    /// Nothing on the store can serve this firmware.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no way from one layout to the other.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// There is not enough room.
    #[error(
        "the data store has {free} bytes free and its reorganization needs {needed}: archive or clean up older data with the \
         firmware that runs now, or enlarge the disk"
    )]
    NoRoom {
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// What lies in the new tree is not what was put there.
    #[error("{} is not what it was made from: {what}", shown(path))]
    Differs {
        /// What.
        path: PathBuf,
        /// How.
        what: &'static str,
    },
    /// Something was found that a count did not find.
    #[error("{tree}: {what} were {counted} and {found} arrived")]
    Miscounted {
        /// The tree.
        tree: TreeName,
        /// What.
        what: &'static str,
        /// How many were counted.
        counted: u64,
        /// How many arrived.
        found: u64,
    },
    /// Folders lie in folders beyond any use.
    #[error("{} lies deeper than folders are followed", shown(path))]
    TooDeep {
        /// The folder.
        path: PathBuf,
    },
    /// A tree's record names another tree.
    #[error("{} holds the record of {record}", shown(path))]
    Misnamed {
        /// The tree.
        path: PathBuf,
        /// What its record says.
        record: TreeName,
    },
    /// A document could not be brought to the form of the new layout.
    #[error("{} could not be brought to layout {layout}", shown(path))]
    Content {
        /// The document.
        path: PathBuf,
        /// The layout.
        layout: u32,
        /// Why.
        source: ContentError,
    },
    /// Whoever asked for it gave up.
    #[error("the reorganization was stopped; the next start goes on with it")]
    Stopped,
}

/// A path for people: names can hold anything.
fn shown(path: &std::path::Path) -> String {
    path.display().to_string().escape_debug().to_string()
}

impl StoreError {
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }

    pub(crate) fn change(step: Step, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Change { step, path, source }
    }
}
