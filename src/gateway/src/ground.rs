//! What a gateway stands on: the data store, and what else of the appliance it must know.

use std::error::Error;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use sps_cluster_config::Store;
use sps_session_record::{SessionRecord, TrailFile, Word};
use sps_sessions::Sessions;
use tokio::sync::watch;

use crate::index_keys::IndexKeys;
use crate::live::Live;
use crate::stamps::Carrier;

/// Why the data store did not do something.
pub type GroundError = Box<dyn Error + Send + Sync>;

/// A session that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its identifier.
    pub id: String,
    /// When, milliseconds since 1970.
    pub end: i64,
    /// How.
    pub verdict: Word,
    /// Its audit trail; none when nothing was recorded.
    pub trail: Option<TrailFile>,
}

/// A data store that is open.
pub trait Ground: Send + Sync + 'static {
    /// The session database; nothing in a tree of an earlier layout.
    fn sessions(&self) -> Option<&Sessions>;

    /// The configuration of the cluster; nothing in a tree of an earlier layout.
    fn configuration(&self) -> Option<&Mutex<Store>>;

    /// The folder of audit trails.
    fn trails(&self) -> PathBuf;

    /// The folder of host keys of servers.
    fn host_keys(&self) -> PathBuf;

    /// Keys by which encrypted sessions are indexed.
    ///
    /// # Errors
    /// When they cannot be used.
    fn index_keys(&self) -> Result<&IndexKeys, GroundError>;

    /// Where the trail of a session lies below the folder of trails.
    ///
    /// # Errors
    /// When the identifier is no name of a file.
    fn trail_name(&self, id: &str) -> Result<String, GroundError>;

    /// Sessions have ended: they are on the disk when this returns. Blocking.
    ///
    /// # Errors
    /// When the database does not take them.
    fn close_sessions(&self, ended: Vec<Ended>) -> Result<(), GroundError>;

    /// Takes in a session that has ended and that the database does not know; its trail is in its place. Blocking.
    ///
    /// # Errors
    /// When the database does not take it.
    fn keep_session(&self, record: &SessionRecord) -> Result<(), GroundError>;
}

/// What else of the appliance counts.
pub struct Surroundings {
    /// Whether the disk is too full for sessions.
    pub full: watch::Receiver<bool>,
    /// Where sessions are found that go on.
    pub live: Live,
    /// Whether an address is the appliance's own.
    pub is_own: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Who asks authorities of timestamps.
    pub carrier: Arc<dyn Carrier>,
}
