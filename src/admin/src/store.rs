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
    /// How far the indexing of content is; none while nothing is indexed.
    #[serde(default)]
    pub indexing: Option<SessionIndexing>,
    /// The reorganization that made the tree; none when it began empty.
    #[serde(default)]
    pub made: Option<MadeFrom>,
}

/// How the tree that is worked on was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeFrom {
    /// Number of the layout before.
    pub layout: u32,
    /// Version of the firmware that brought that one.
    pub layout_version: String,
    /// When it was begun, seconds since 1970.
    pub begun: u64,
    /// Files that found a new place.
    pub files: u64,
    /// Bytes that were copied.
    pub bytes: u64,
    /// What was dropped, changed or found damaged.
    pub notes: Vec<String>,
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
    /// Sessions a second since it began; none when that cannot be said yet.
    #[serde(default)]
    pub rate: Option<u64>,
    /// Seconds left at that rate.
    #[serde(default)]
    pub seconds_left: Option<u64>,
}

/// How far the indexing of content is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionIndexing {
    /// Sessions that ended and are not indexed yet.
    pub waiting: u64,
    /// Sessions that began before that, milliseconds since 1970, are still to be indexed anew; none when all are.
    pub again_until: Option<i64>,
    /// Sessions that were indexed anew in this start.
    pub again_done: u64,
    /// Sessions that were to be indexed anew when it began.
    pub again_total: u64,
    /// Moments that can be found.
    pub moments: u64,
    /// Version of the indexer.
    pub version: u32,
}

/// What a complete check of the data store found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreFindings {
    /// Sessions that were read.
    pub sessions: u64,
    /// Files of audit trails that were met.
    pub trails: u64,
    /// Trails that became sessions.
    pub adopted: u64,
    /// Files that were put aside earlier.
    pub quarantined: u64,
    /// What is wrong, one sentence each.
    pub told: Vec<String>,
    /// Findings that are only counted.
    pub more: u64,
}

impl StoreFindings {
    /// One line: `300 sessions and 300 audit trails are in order`.
    #[must_use]
    pub fn summary(&self) -> String {
        let (sessions, trails) = (self.sessions, self.trails);
        let aside = match self.quarantined {
            0 => String::new(),
            files => format!("; {files} files were put aside earlier"),
        };
        match self.told.len() as u64 + self.more {
            0 => format!("{sessions} sessions and {trails} audit trails are in order{aside}"),
            1 => format!("1 finding in {sessions} sessions and {trails} audit trails{aside}"),
            found => format!("{found} findings in {sessions} sessions and {trails} audit trails{aside}"),
        }
    }
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
    /// When it ended, seconds since 1970; none while it goes on, or when nobody knows.
    #[serde(default)]
    pub end: Option<u64>,
    /// Connection policy.
    #[serde(default)]
    pub connection: String,
    /// The user at the server.
    #[serde(default)]
    pub server_user: String,
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
    /// Channels.
    #[serde(default)]
    pub channels: u32,
    /// Events.
    #[serde(default)]
    pub events: u32,
    /// Bytes of its audit trail; none when nothing was recorded.
    #[serde(default)]
    pub trail: Option<u64>,
    /// How far indexing is.
    #[serde(default)]
    pub indexing: String,
    /// What became of its audit trail, in words: `archived at 2027-01-15 08:00:00 UTC to disk backup`; empty when it is here, or there is
    /// none.
    #[serde(default)]
    pub moved: String,
    /// The first places of what was looked for in its content.
    #[serde(default)]
    pub hits: Vec<crate::search::ContentHit>,
}
