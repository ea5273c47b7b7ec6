//! The menu on a real pseudo terminal: keys typed, bytes seen.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends at the first surprise"
)]

mod guests;
mod lab;
mod stories;
