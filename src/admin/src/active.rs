//! Sessions that go on, as people see them.

use serde::{Deserialize, Serialize};

/// A session that goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActiveSession {
    /// Its identifier.
    pub id: String,
    /// Since when, seconds since 1970.
    pub start: u64,
    /// Its protocol.
    pub protocol: String,
    /// Name of its connection policy.
    pub connection: String,
    /// The user at the gateway.
    pub user: String,
    /// The user on the server.
    pub server_user: String,
    /// The client, address and port.
    pub client: String,
    /// The server, as it was asked for, else its address.
    pub server: String,
    /// Channels that are open.
    pub channels: u32,
    /// People who look at it.
    pub followers: usize,
    /// What it may do only when somebody else agrees.
    pub questions: Vec<Question>,
}

/// Something that somebody else must agree to (4-eyes authorization).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its number in the session.
    pub number: u32,
    /// Kind of the channel, such as `session-shell`.
    pub kind: String,
    /// Command, subsystem or server.
    pub detail: String,
    /// Since when it is asked, seconds since 1970.
    pub since: u64,
}
