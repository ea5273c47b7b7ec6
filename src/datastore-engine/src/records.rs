//! Documents on the data store: of a tree, of a reorganization, of the tree worked on last.

use serde::{Deserialize, Serialize};

use crate::names::TreeName;

/// Format of [`TreeRecord`].
pub const TREE_FORMAT: u32 = 1;
/// Format of [`Journal`].
pub const JOURNAL_FORMAT: u32 = 1;
/// Format of [`LastServed`]. Every version reads it: it is frozen.
pub const SERVED_FORMAT: u32 = 1;

/// What a tree is. Every version reads it: it is frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeRecord {
    /// [`TREE_FORMAT`].
    pub format: u32,
    /// Its name: a tree that was renamed by hand is found out.
    pub tree: TreeName,
    /// The tree it was made from; none when it began empty.
    pub made_from: Option<TreeName>,
    /// Digest of the firmware that made it.
    pub made_by: String,
    /// When, seconds since 1970.
    pub at: u64,
}

/// How far making a tree is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// [`JOURNAL_FORMAT`].
    pub format: u32,
    /// The tree it is made from.
    pub from: TreeName,
    /// Digest of the firmware that makes it.
    pub firmware: String,
    /// When it was begun, seconds since 1970.
    pub begun: u64,
    /// How often this document was written: a start that wrote it has advanced.
    pub advanced: u64,
    /// How far it is.
    pub state: State,
    /// The steps of the plan, in order.
    pub steps: Vec<StepState>,
    /// What people should know: what was dropped, changed or found damaged.
    pub notes: Vec<String>,
}

/// How far a reorganization is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Steps are being taken.
    Building,
    /// Everything is there and verified; the pointer may be moved.
    Complete,
}

/// How far a step is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepState {
    /// What it is about, for people.
    pub what: String,
    /// What was done of it for certain.
    pub done: Done,
    /// Whether all of it was.
    pub finished: bool,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Files.
    pub files: u64,
    /// Bytes copied.
    pub bytes: u64,
}

/// The tree a firmware worked on last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastServed {
    /// [`SERVED_FORMAT`].
    pub format: u32,
    /// The tree.
    pub tree: TreeName,
    /// Digest of the firmware.
    pub firmware: String,
    /// Since when, seconds since 1970.
    pub at: u64,
}
