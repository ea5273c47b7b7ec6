//! A server on loopback and clients for it: hyper for what a browser would send, raw TLS for what it would not.
//!
//! Every wait is bounded; nothing sleeps.
#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

mod appliance;
mod client;
pub(crate) mod indexers;
mod server;
mod store;

pub(crate) use appliance::{Appliance, JOB, PASSWORD};
pub(crate) use client::{Answer, Client, Event, Events};
pub(crate) use server::{BOUND, Setup, TestServer, soon};
pub(crate) use store::{METRICS_TOKEN, core, full, record, upgraded};
