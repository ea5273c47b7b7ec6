//! Trails written to real file systems: whole, full, and with the power cut.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod disks;
mod lab;
mod power;
mod sessions;
