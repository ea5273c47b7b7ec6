//! What a time server may do to the clock.

use std::time::Duration;

use thiserror::Error;

use crate::clock::UnixTime;

/// Largest step after the first synchronization: ntpd's panic threshold. Before it any step forward is believed,
/// since a flat battery has no other cure.
pub const PANIC_THRESHOLD: Duration = Duration::from_secs(1000);

/// Why a step was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the message of each says it")]
pub enum Refusal {
    #[error(
        "time servers say {to}, which is before this firmware was built; clock left alone: check the time servers"
    )]
    BelowFloor { to: UnixTime },
    #[error(
        "time servers want to move the clock from {from} to {to}; clock left alone: check the time servers, or \
         restart if they are right"
    )]
    TooFar { from: UnixTime, to: UnixTime },
}

/// The limits of a node.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Build time of the firmware.
    pub floor: UnixTime,
}

impl Limits {
    /// Judges a step.
    ///
    /// # Errors
    /// The reason it must not be made.
    pub fn judge(
        &self,
        now: UnixTime,
        nanoseconds: i64,
        synchronized_before: bool,
    ) -> Result<UnixTime, Refusal> {
        let to = now.plus(nanoseconds);
        if to < self.floor {
            return Err(Refusal::BelowFloor { to });
        }
        let far = Duration::from_nanos(nanoseconds.unsigned_abs()) > PANIC_THRESHOLD;
        if synchronized_before && far {
            Err(Refusal::TooFar { from: now, to })
        } else {
            Ok(to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn at_the_start_any_step_above_the_floor_is_made() {
        let limits = Limits {
            floor: UnixTime::from_seconds(1000),
        };
        let now = UnixTime::from_seconds(1000);
        let years = 40 * 365 * 86_400 * SECOND;
        assert_eq!(limits.judge(now, years, false), Ok(now.plus(years)));
        assert_eq!(
            limits.judge(now, -1, false),
            Err(Refusal::BelowFloor { to: now.plus(-1) })
        );
        assert_eq!(limits.judge(now.plus(5 * SECOND), -5 * SECOND, false), Ok(now));
    }

    #[test]
    fn later_a_step_beyond_the_threshold_is_refused_both_ways() {
        let limits = Limits {
            floor: UnixTime::from_seconds(0),
        };
        let now = UnixTime::from_seconds(10_000);
        for step in [1000 * SECOND, -1000 * SECOND] {
            assert_eq!(limits.judge(now, step, true), Ok(now.plus(step)));
            let further = step + step.signum();
            assert_eq!(
                limits.judge(now, further, true),
                Err(Refusal::TooFar {
                    from: now,
                    to: now.plus(further)
                })
            );
        }
    }
}
