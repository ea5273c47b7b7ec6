//! Clock floor and NTP client.
