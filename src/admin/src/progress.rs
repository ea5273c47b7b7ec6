//! How far a long operation is.

use std::time::Duration;

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

impl Progress {
    /// Bytes moved in `elapsed`, with the rate and, where the whole is known (not 0), the time left.
    #[must_use]
    pub fn of_bytes(what: impl Into<String>, done: u64, total: u64, elapsed: Duration) -> Self {
        let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
        let left = total.saturating_sub(done) as f64 / rate.max(1.0);
        Self {
            what: what.into(),
            done,
            total,
            unit: "bytes".into(),
            rate: Some(rate),
            seconds_left: (total > 0).then_some(left as u64),
        }
    }
}
