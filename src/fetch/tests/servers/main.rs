//! Files fetched from servers that behave, and from those that do not.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends at the first surprise"
)]

mod endings;
mod lab;
mod places;
mod posting;
