//! Archiving, backup and restore on real shelves: a folder, a bucket of a real server, and what happens when either fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod archiving;
mod backups;
mod bucket;
mod lab;
mod pruning;
mod unreadable;
