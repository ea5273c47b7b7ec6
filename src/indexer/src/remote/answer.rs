//! What became of a session that a host had.

use sps_indexer_engine::Item;

use super::spool::Told;

/// A session that comes back from a host.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) item: Item,
    /// The host, as the configuration calls it.
    pub(crate) host: String,
    pub(crate) found: Found,
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Found {
    /// What it shows; each part was decoded once.
    Told(Told),
    /// Hosts could not read it, often enough.
    Failed,
    /// Its trail could not be read here: it is not there any more.
    NoTrail,
}
