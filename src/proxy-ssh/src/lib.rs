//! The SSH proxy: a client on one side, a server on the other, and between them everything is judged, recorded and passed on.
//!
//! Both sides are SSH connections of their own (russh, with the changes that `vendor/PATCHES.md` explains). Invariants:
//! - nothing passes that was not recorded before, where the policy asks for recording: a recording that cannot keep up slows the
//!   session down, one that fails ends it;
//! - nothing passes on a channel before its kind was allowed; kinds nobody knows are refused;
//! - no channel that stands still stops another one, and what waits in memory is bounded by windows;
//! - a panic ends one connection;
//! - whoever is refused or ended hears why.
//!
//! Must not know where policies, people, keys and recordings are kept: [`Access`] is asked.

mod access;
mod algorithms;
mod client_side;
mod context;
mod credentials;
mod dial;
mod door;
mod listener;
mod login;
mod meter;
mod policies;
mod recording;
mod refusal;
mod relay;
mod server_side;
mod serving;
mod socket;
mod wire;
mod words;
mod workers;

pub use access::{Access, Answer, Attempt, HostKeyError, Person, PinError, ServerName};
pub use algorithms::{KeyError, host_key, host_key_of, known};
pub use credentials::{Account, Credential, Credentials};
pub use listener::{Departing, Departure, ListenError, Listening, SshProxy};
pub use meter::{Counts, Meter};
pub use policies::{Policies, PoliciesError};
pub use recording::{
    Begun, Event, Facts, FileOperation, Kept, NoRoom, NotKept, Permission, Recording, Wanted, What,
};
pub use russh::keys::{PrivateKey, PublicKey};
pub use sps_proxy_engine::{Leaving, Limits, Memory};
