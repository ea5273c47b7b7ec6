//! The node document: network, administrators, time servers, sealed mode and keys of one node, on `state`.
//!
//! Types and checks are pure. The store keeps the document and every change of it in one folder; a change is there
//! completely or not at all, whatever happens meanwhile.
//!
//! Invariants: a document in force has passed its checks; a file that this version does not understand is
//! neither used nor touched; no secret is shown by `Debug` or in an error. Must not know who changes the
//! configuration, nor what the values do.

mod check;
mod difference;
mod network;
mod node;
mod password;
mod record;
mod redact;
mod secret;
mod store;

pub use check::CheckError;
pub use network::{DEFAULT_HOST_NAME, Interface, Ipv4, Network};
pub use node::{
    Administrators, DEFAULT_COMMIT_AFTER_HOURS, FORMAT, Firmware, KeyPair, Keys, Node, Rescue, RescueSsh,
    Time, TimeServer,
};
pub use password::{LEAST_CHARACTERS, PasswordError, hash_password, verify_password};
pub use record::{Change, MOST_BYTES as RECORD_BYTES, Record, RecordError};
pub use secret::{REDACTED, Secret};
pub use store::{Found, HISTORY_KEPT, Store, StoreError};
