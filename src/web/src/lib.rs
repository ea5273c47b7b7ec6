//! HTTP: the boot page and its live log.
//!
//! The one room that knows HTTP, HTML and the JSON envelopes. It is handed a boot log, a status that others
//! keep up to date and a TLS identity, and serves them: plain HTTP only redirects, everything else is HTTPS.
//!
//! Invariants:
//! - **Nothing here changes the appliance.** Every route only reads. The one request body looked at is the password for a support
//!   bundle, which others judge.
//! - A line of the log is exactly what [`sps_bootlog::Entry`] displays: the console shows the same text.
//! - Every queue, buffer and wait has a bound ([`Limits`]): a slow, silent or hostile client costs one bounded
//!   connection and never delays another.
//! - A panic in one connection ends that connection.
//! - The page needs no JavaScript to be read and no outside host to be shown.

mod access;
mod assets;
mod boot;
mod http;
mod markup;
mod rest;
mod router;
mod server;
mod settings;
mod ui;

pub use access::Gate;
pub use boot::bundle::{Bundle, Bundles, Later, NoBundle};
pub use boot::content::{ApplianceInfo, BootContent};
pub use boot::status::{BootStatus, Health, Phase, PhaseState, Progress, Service, ServiceState};
pub use http::error::WebError;
pub use http::identity::{ServerNames, TlsIdentity};
pub use http::limits::Limits;
pub use router::Administration;
pub use server::{BootPageSettings, BootServer, HTTP_PORT, HTTPS_PORT, serve};
