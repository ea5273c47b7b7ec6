//! From audit trails to the index.
//!
//! [`Worker`] knows which sessions are to be indexed: those that ended ([`Queue`]), those that go on where a policy wants that, and at a new
//! version of the indexer, or when the index was lost, all others from the newest to the oldest. It gives each trail to a [`Reader`], takes
//! the moments that come back into the index, and says so in the session database once they are on the disk.
//!
//! A trail was written by servers that nobody trusts, and terminals are emulated to read it: that is done by [`answer`], in a process
//! of its own that has nothing but the trail and the keys of indexers.
//!
//! Promises:
//! - A session counts as indexed only when its moments are on the disk. After any stop it is indexed again, and stands in the index once.
//! - What the reading process says is bounded, and nothing of it is kept when it fails.
//! - A trail that cannot be read stops no other.
//!
//! Must not know how processes are confined, nor when there is time to work.

mod error;
mod feed;
mod queue;
mod remote;
mod role;
mod take;
mod walk;
mod worker;

pub use error::IndexerError;
pub use feed::{Feed, MAX_KEYS};
pub use queue::Queue;
pub use remote::{
    Fingerprint, Host, HostError, HostKeys, HostSettings, Hub, Identity, IdentityError, KeysError, PORT,
    SettingsError, Stop, Trust,
};
pub use role::answer;
pub use sps_indexer_engine::{HostReport, OwnReport, Refusal, Report, WorkerReport};
pub use take::{Reader, ReaderError};
pub use walk::Walk;
pub use worker::{Done, Growing, Worker};
