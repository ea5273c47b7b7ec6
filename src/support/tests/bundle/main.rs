//! Bundles of a state folder on disk, unpacked again.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends at the first surprise"
)]

mod bounds;
mod lab;
mod secrets;
mod whole;
