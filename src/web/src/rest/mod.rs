//! The REST API, in the envelopes and under the names that clients of SPS know. It asks the same operations as the pages.
//!
//! Strict: a key that is not known is refused by its name. Every answer is JSON, errors too.

mod access;
mod active;
mod appliance;
mod configuration;
mod core_files;
mod envelope;
mod exchange;
mod fetch;
mod firmware;
mod history;
mod indexers;
mod licence;
mod metrics;
mod openapi;
mod routes;
mod sessions;
mod settings;
mod setup;
mod space;
mod store;
mod support;
mod transaction;

pub(crate) use configuration::SETTINGS;
pub(crate) use core_files::CORE_FILES;
pub(crate) use exchange::IMPORT as CONFIGURATION_IMPORT;
pub(crate) use licence::UPLOAD as LICENCE_UPLOAD;
pub(crate) use routes::{UPLOAD, routes};
pub(crate) use support::BUNDLES;
pub(crate) use transaction::Transaction;
