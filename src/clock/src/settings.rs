//! What the NTP client is told.

use std::net::Ipv4Addr;
use std::time::Duration;

/// Port of NTP (RFC 5905 section 7.2).
pub const NTP_PORT: u16 = 123;
/// Most servers that are asked; more make time no better.
pub const MAX_SERVERS: usize = 8;

/// A time server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NtpServer {
    /// Address or name.
    pub host: String,
    /// Port, normally [`NTP_PORT`].
    pub port: u16,
}

impl From<Ipv4Addr> for NtpServer {
    fn from(address: Ipv4Addr) -> Self {
        Self {
            host: address.to_string(),
            port: NTP_PORT,
        }
    }
}

/// Settings of the NTP client.
#[derive(Clone, Debug)]
pub struct NtpSettings {
    /// Build time of the firmware, seconds since 1970: the clock is never stepped below it.
    pub floor_unix_s: i64,
    /// Shortest time between questions, a power of two of seconds; the algorithm goes up to 1,024 s by itself.
    pub shortest_interval: Duration,
    /// Time until servers are asked anew after a refused step or a name that was not found.
    pub retry_after: Duration,
}

impl NtpSettings {
    /// The usual settings above a floor.
    #[must_use]
    pub fn above(floor_unix_s: i64) -> Self {
        Self {
            floor_unix_s,
            shortest_interval: Duration::from_secs(16),
            retry_after: Duration::from_secs(60),
        }
    }
}
