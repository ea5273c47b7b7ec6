//! The index: what is found, what is not readable without the key, and what a power cut costs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

mod common;
mod cuts;
mod search;
mod secrecy;
