//! The commands: help texts, what they ask, what they print, exit statuses.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends at the first surprise"
)]

mod bundles;
mod configuration;
mod help;
mod lab;
mod lines;
mod outputs;
mod requests;
