//! The cluster document from layout to layout: its shapes, how each becomes the next, and what must be said before.
//!
//! [`check`] is what *Test* of a new firmware asks, [`migrate`] what the reorganization of the data store does. Both take the
//! document as JSON; secrets in it may be encrypted, in plain, or left out. Old shapes exist here and nowhere else.
//!
//! Pure. Invariants: an unknown key is refused with its path; what a migration makes is valid in the next layout, or it fails;
//! whatever a migration drops or changes is in its notes; no value of a secret is in an error. Must not know where
//! documents are kept, nor what the values do.

mod checks;
mod edit;
mod error;
mod finding;
mod layout;
mod layouts;
mod migrate;
mod migrations;
mod pem;
#[cfg(any(test, feature = "samples"))]
mod samples;
mod shape;
mod ssh_key;
#[cfg(test)]
mod testing;
mod x509;

pub use checks::check;
pub use error::MigrateError;
pub use finding::{Finding, Note, Severity};
pub use layout::{FIRST, LATEST, version, versions};
pub use layouts::validate;
pub use migrate::{Migrated, migrate};
#[cfg(any(test, feature = "samples"))]
pub use samples::{empty, random, sample};
