//! Trails written and read: what is recorded comes back, who can read it, and what is said of one that is not whole.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "all of it is test code: a failed step ends its test, and openssl writes files"
)]

mod exports;
mod lab;
mod recipients;
mod round_trip;
mod verdicts;
