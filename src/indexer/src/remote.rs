//! Indexers on other hosts: the appliance's side ([`Hub`]) and theirs ([`Host`]).
//!
//! What is said stands in `PROTOCOL.md` of `sps-indexer-engine`, and who gets which session is decided there. Connections are threads that
//! block, each within a time; there are few, since each is a worker.

mod answer;
mod host;
mod hub;
mod identity;
mod limits;
mod link;
mod reading;
mod secrets;
mod serve;
mod settings;
mod spool;
mod tls;

pub(crate) use answer::{Answer, Found};
pub use host::{Host, HostError, Stop};
pub use hub::{Hub, Trust};
pub use identity::{Fingerprint, Identity, IdentityError};
pub use limits::PORT;
pub use secrets::{HostKeys, KeysError};
pub use settings::{HostSettings, SettingsError};
