//! From which versions a firmware may be reached: rules of the manifest, and what they say of one appliance.
//!
//! Pure. Invariant: a rule has one spelling, and one that cannot be understood is refused when a manifest is written
//! and when it is read, never skipped. A new form of rule raises the manifest's format: earlier firmware refuses it.

mod judge;
mod latest;
mod rule;

pub use judge::{Earlier, Passage, Refusal, Verdict, judge};
pub use latest::latest_maintenance;
pub use rule::{Rule, RuleError};
