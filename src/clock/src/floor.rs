//! The floor: a firmware cannot run before it was built.
//!
//! A board whose battery is flat starts in 1970 or 2000, where no certificate is valid and every record lies. The
//! kernel has already read the battery clock when PID 1 starts; this only catches what cannot be right.

use rustix::time::{ClockId, Timespec, clock_settime};
use tracing::warn;

use crate::clock::{Clock, KernelClock, UnixTime};
use crate::error::ClockError;

/// What became of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockFloor {
    /// It was at the floor or above.
    Kept,
    /// It was below, and now stands at the floor.
    Raised {
        /// Before.
        from: UnixTime,
        /// After.
        to: UnixTime,
    },
}

impl ClockFloor {
    /// What a clock that shows `now` needs.
    #[must_use]
    pub fn judge(now: UnixTime, build_unix_s: i64) -> Self {
        let to = UnixTime::from_seconds(build_unix_s);
        if now < to {
            Self::Raised { from: now, to }
        } else {
            Self::Kept
        }
    }
}

/// Sets the machine's clock to the firmware's build time when it is below that; logged.
///
/// # Errors
/// The clock cannot be set.
pub fn raise_to_floor(build_unix_s: i64) -> Result<ClockFloor, ClockError> {
    let judged = ClockFloor::judge(KernelClock.now(), build_unix_s);
    if let ClockFloor::Raised { from, to } = judged {
        let floor = Timespec {
            tv_sec: build_unix_s,
            tv_nsec: 0,
        };
        clock_settime(ClockId::Realtime, floor).map_err(|error| ClockError::Floor(error.into()))?;
        warn!(
            "clock was {from}, before this firmware was built; set to {to}: if this comes again, replace the \
             board's battery"
        );
    }
    Ok(judged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_below_the_floor_is_raised_to_it_and_others_are_kept() {
        let now = UnixTime::from_seconds(100);
        assert_eq!(ClockFloor::judge(now, 100), ClockFloor::Kept);
        assert_eq!(ClockFloor::judge(now, 99), ClockFloor::Kept);
        let to = UnixTime::from_seconds(101);
        assert_eq!(ClockFloor::judge(now, 101), ClockFloor::Raised { from: now, to });
    }

    #[test]
    fn a_right_clock_is_not_touched() {
        // The machine's clock is above this floor: nothing is set.
        assert_eq!(raise_to_floor(1_000_000_000).unwrap(), ClockFloor::Kept);
    }
}
