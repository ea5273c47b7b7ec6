//! The web interface as browsers and as attackers meet it, over real TLS, with an appliance in memory behind it.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends at the first surprise"
)]

mod active;
#[path = "../common/mod.rs"]
mod common;
mod fetches;
mod headers;
mod indexers;
mod lab;
mod licence;
mod login;
mod requests;
mod rest;
mod rest_bundles;
mod rest_cluster;
mod rest_history;
mod rest_metrics;
mod rest_settings;
mod searching;
mod settings;
mod showing;
mod slow;
mod space;
mod trails;
mod uploads;
