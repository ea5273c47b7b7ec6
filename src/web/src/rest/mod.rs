//! The REST API, in the envelopes and under the names that clients of SPS know. It asks the same operations as the pages.
//!
//! Strict: a key that is not known is refused by its name. Every answer is JSON, errors too.

mod access;
mod appliance;
mod envelope;
mod fetch;
mod firmware;
mod licence;
mod routes;

pub(crate) use licence::UPLOAD as LICENCE_UPLOAD;
pub(crate) use routes::{UPLOAD, routes};
