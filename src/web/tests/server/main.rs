//! The server as its clients meet it, over real TLS on loopback.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends at the first surprise"
)]

mod answers;
mod bounds;
mod bundles;
#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod streams;
mod tls;
