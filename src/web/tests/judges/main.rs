//! The web interface as programs judge it that know nothing of ours: schemathesis the REST API, sslyze the TLS.
//!
//! They are those of tests/web/requirements.txt, which `cargo xtask setup` installs.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends at the first surprise"
)]

mod api;
#[path = "../common/mod.rs"]
mod common;
mod program;
mod tls;
