//! What is measured of an appliance, for programs that watch it.

use serde::{Deserialize, Serialize};

/// How often something happened, by a word of which kind.
pub type ByWord = Vec<(String, u64)>;

/// Everything that is measured, at one moment. What grows counts since the start, unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Version of the firmware, and its build.
    pub version: String,
    /// See `version`.
    pub build: String,
    /// Seconds.
    pub uptime: f64,
    /// Processes that could run, on average of 1, 5 and 15 minutes.
    pub load: [f64; 3],
    /// Processors.
    pub processors: u64,
    /// Seconds that processors worked, and that they had nothing to do, of all together.
    pub busy: f64,
    /// See `busy`.
    pub idle: f64,
    /// Memory.
    pub memory: MemoryFigures,
    /// The data store; nothing while there is none.
    pub store: Option<StoreFigures>,
    /// Sessions, by protocol.
    pub protocols: Vec<ProtocolFigures>,
    /// Audit trails; nothing while none are recorded.
    pub trails: Option<TrailFigures>,
}

/// Memory, bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryFigures {
    /// All of it.
    pub total: u64,
    /// What programs can still have.
    pub available: u64,
    /// What the appliance's own process has.
    pub resident: u64,
    /// Percent of the last ten seconds in which nothing could go on for want of memory.
    pub stalled: f64,
}

/// The data store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreFigures {
    /// Bytes.
    pub total: u64,
    /// Bytes.
    pub free: u64,
    /// Changes of the session database that wait to be written.
    pub changes_waiting: u64,
    /// Seconds that the first of them has waited.
    pub late: f64,
    /// Changes that were written.
    pub changes_written: u64,
    /// Sessions that wait to be indexed; nothing while nothing is indexed.
    pub to_index: Option<u64>,
    /// Places that a search of content finds.
    pub indexed: u64,
}

/// Sessions of a protocol.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtocolFigures {
    /// Its name: `ssh`.
    pub protocol: String,
    /// Connections that are open, and those of them on which nobody is logged in.
    pub open: u64,
    /// See `open`.
    pub logging_in: u64,
    /// Bytes of memory that one is taken to cost.
    pub cost: u64,
    /// Connections that were let in.
    pub taken: u64,
    /// Connections that were refused, by why.
    pub refused: ByWord,
    /// Connections that were ended because memory ran out.
    pub shed: u64,
    /// People who got to a server.
    pub logins: u64,
    /// Logins that failed, by who refused them.
    pub failed: ByWord,
    /// Sessions that ended, by their verdict.
    pub ended: ByWord,
    /// Channels that were opened, by their kind.
    pub channels: ByWord,
    /// Channels that were refused, by their kind.
    pub denied: ByWord,
    /// Bytes from clients to servers.
    pub from_clients: u64,
    /// Bytes from servers to clients.
    pub from_servers: u64,
    /// How often a session waited for its recording.
    pub waits: u64,
    /// Seconds that they waited together.
    pub waited: f64,
}

/// Audit trails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrailFigures {
    /// Trails that are being written.
    pub open: u64,
    /// Bytes that wait to be written.
    pub waiting: u64,
    /// Bytes that were written.
    pub written: u64,
    /// How many syncs took at most so many seconds; each counts those of the ones before too.
    pub buckets: Vec<(f64, u64)>,
    /// Syncs.
    pub syncs: u64,
    /// Seconds that all of them took.
    pub syncing: f64,
}
