//! How far the clock is right, for page, console and other services.

use serde::Serialize;

/// State of synchronization.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NtpState {
    /// The clock follows a time server.
    pub synchronized: bool,
    /// The server it follows, as it was named.
    pub server: Option<String>,
    /// That server's distance from a reference clock.
    pub stratum: Option<u8>,
    /// Last estimate of how far the clock is behind (positive) or ahead of it, in milliseconds.
    pub offset_ms: Option<f64>,
    /// When the estimate was made, seconds since 1970.
    pub last_update_unix_s: Option<i64>,
    /// Every server that is asked.
    pub servers: Vec<ServerState>,
    /// What stands in the way, in words.
    pub problem: Option<String>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerState {
    /// As it was named.
    pub name: String,
    /// Its address, once it is known.
    pub address: Option<String>,
    /// Questions in a row that were not answered usably.
    pub unanswered: u32,
}
