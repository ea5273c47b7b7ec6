//! The socket as clients meet it: real sockets, real processes, hostile lines.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends at the first surprise"
)]

mod hostile;
mod lab;
mod talk;
