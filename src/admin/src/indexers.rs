//! Who indexes sessions: the appliance's own worker and external indexers, as people see them.

use serde::{Deserialize, Serialize};
use sps_config::Secret;

/// Name under which a host looks for its configuration (`/etc/indexer`).
pub const INDEXER_FILE: &str = "indexerworker.cfg";

/// Everybody who indexes, and who may not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indexers {
    /// External indexers may connect.
    pub enabled: bool,
    /// TCP port to which they connect.
    pub port: u16,
    /// Version of the appliance: none older indexes for it.
    pub version: String,
    /// What they know the appliance by, SHA-256; none before the first is added.
    pub fingerprint: Option<String>,
    /// The appliance's own worker.
    pub own: OwnIndexer,
    /// Sessions that wait for somebody.
    pub waiting: u64,
    /// Hosts that were added, by name.
    pub hosts: Vec<ExternalIndexer>,
    /// Who was refused or cut off lately, the newest first.
    pub refused: Vec<RefusedIndexer>,
}

/// The appliance's own worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnIndexer {
    /// It works: the index is open.
    pub working: bool,
    /// The session it reads.
    pub session: Option<String>,
    /// Sessions it read since the start.
    pub done: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// A host that was added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalIndexer {
    /// Its name here.
    pub name: String,
    /// What it is known by, SHA-256 of its certificate.
    pub fingerprint: String,
    /// What it calls itself; empty before it connected.
    pub host_name: String,
    /// Where it connects from; empty before it connected.
    pub address: String,
    /// Its version; empty before it connected.
    pub version: String,
    /// Since when it is connected, seconds since 1970; none: it is not.
    pub since: Option<u64>,
    /// Workers it has.
    pub workers: u16,
    /// Keys it has.
    pub keys: usize,
    /// Its workers that are connected.
    pub connected: Vec<IndexerWorker>,
    /// Sessions it read since the appliance started.
    pub done: u64,
    /// Sessions an hour since it connected.
    pub per_hour: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When that was, seconds since 1970.
    pub last_error_at: Option<u64>,
}

/// A worker of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexerWorker {
    /// Its number, from 1.
    pub number: u16,
    /// The session it reads.
    pub session: Option<String>,
    /// How much of the trail it has, percent.
    pub percent: u8,
}

/// Somebody who was refused or cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedIndexer {
    /// When, seconds since 1970.
    pub time: u64,
    /// Where it came from.
    pub address: String,
    /// Its name here, where it has one.
    pub host: Option<String>,
    /// Why.
    pub reason: String,
    /// How often.
    pub times: u32,
}

/// The configuration of a host that was added. It is given once: its private key is not kept here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexerConfiguration {
    /// Name of the host.
    pub name: String,
    /// The file, [`INDEXER_FILE`].
    pub file: Secret,
    /// What should be known besides.
    pub notes: Vec<String>,
}
