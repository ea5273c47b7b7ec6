//! The licence: who may use the appliance, for how many hosts or sessions, until when, and in which LTS with which
//! features (`DECISION-licence.md`).
//!
//! Pure: bytes, keys and the time are arguments. Invariants: nothing of a file is believed before its signature fits
//! one of the keys; a licence that is read has passed every rule. Must not count hosts or sessions, nor refuse any.

mod coverage;
mod feature;
mod file;
mod keys;
mod licence;
mod show;

pub use coverage::{Coverage, DEMO, State, allows, coverage, state};
pub use feature::{Feature, FeatureError};
pub use file::{LicenceError, MAX_SIZE};
pub use keys::{Keys, KeysError, development};
pub use licence::{FieldError, Licence, Limit, LimitType};
pub use show::{table, validity};
