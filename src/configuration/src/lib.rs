//! What administrators ask about the configuration of the cluster, answered from its store.
//!
//! Requests and answers are those of `sps-admin`; the document, its checks and its secrets are those of `sps-cluster-config`. This room
//! brings them together, for the appliance and for tests of its surfaces alike.
//!
//! Invariants: no secret leaves but in an export with a password; a change is judged whole and is one revision; whoever looked at an
//! earlier revision changes nothing. Must not know where documents lie, nor who may ask.

mod answer;
mod change;
mod objections;
#[cfg(test)]
mod tests;
mod words;

pub use answer::{Asker, Migrate, answer};
pub use objections::{MOST_DIVERTED, MOST_SESSION_PORTS};
