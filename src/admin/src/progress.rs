//! How far a long operation is.

use serde::{Deserialize, Serialize};

/// Progress of a long step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// What is being done, such as `copying the firmware`.
    pub what: String,
    /// Units done.
    pub done: u64,
    /// Units in all; 0 when it is not known.
    pub total: u64,
    /// Name of the unit; `bytes` is shown with binary prefixes.
    pub unit: String,
    /// Units a second, when it can be said.
    pub rate: Option<f64>,
    /// Seconds left, when they can be said.
    pub seconds_left: Option<u64>,
}
