//! The data store and the sessions in it, as people see them.

use serde::{Deserialize, Serialize};

use crate::space::Space;

/// The data store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreStatus {
    /// The tree that is worked on.
    pub tree: String,
    /// Number of its layout.
    pub layout: u32,
    /// Version of the firmware that brought that layout.
    pub layout_version: String,
    /// Bytes of the disk.
    pub total: u64,
    /// Bytes that are free.
    pub free: u64,
    /// Other trees: what earlier firmware goes back to.
    pub others: Vec<String>,
    /// How full the disk is and what is done about it; none before it was looked at.
    #[serde(default)]
    pub space: Option<Space>,
    /// The import of earlier sessions into the session database; none when there is none under way in this start.
    pub import: Option<SessionImport>,
}

/// How far the import of earlier sessions is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionImport {
    /// Sessions imported by this start.
    pub done: u64,
    /// Sessions that were to be imported when it began.
    pub total: u64,
    /// Sessions that could not be understood and were put aside.
    pub aside: u64,
    /// Whether it rests because somebody wants that.
    pub paused: bool,
    /// Whether nothing is left.
    pub finished: bool,
}

/// Sessions, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// How many there are in all.
    pub total: u64,
    /// Those that were asked for.
    pub sessions: Vec<SessionLine>,
}

/// A session in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionLine {
    /// Its identifier.
    pub id: String,
    /// When it began, seconds since 1970.
    pub start: u64,
    /// Protocol.
    pub protocol: String,
    /// The user at the gateway.
    pub user: String,
    /// Where it came from.
    pub client: String,
    /// Where it went to.
    pub server: String,
    /// How it ended.
    pub verdict: String,
    /// What became of its audit trail, in words: `archived at 2027-01-15 08:00:00 UTC to disk backup`; empty when it is here, or there is
    /// none.
    #[serde(default)]
    pub trail: String,
}
