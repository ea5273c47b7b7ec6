//! Whether the clock may decide what is deleted.
//!
//! A clock that leaps forward makes everything old at once; one that leaps back is wrong now or was wrong before. Either is believed
//! only when it has gone on steadily for [`STEADY`] from where it leapt to: until then nothing is deleted.

use serde::{Deserialize, Serialize};

/// Seconds for which a clock that has leapt must go on steadily: an administrator who sees the alert has a day to mend it.
pub const STEADY: u64 = 24 * 60 * 60;
/// Seconds between two looks that are no leap: an appliance that was off over a weekend.
const LEAP: u64 = 4 * 24 * 60 * 60;
/// Seconds that a clock may go back: what a time server corrects.
const BACK: u64 = 15 * 60;

/// What was seen of the clock: kept between two looks, over reboots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// The time at the last look, seconds since 1970; 0 before the first.
    pub last: u64,
    /// Where it has leapt to; none when it is believed.
    pub doubted_since: Option<u64>,
}

/// Whether the clock is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It is.
    Yes,
    /// It has leapt: not before `until`.
    No {
        /// When it will be, if it goes on.
        until: u64,
    },
}

impl Clock {
    /// Looks at the clock. `newest` is when the newest session began, if there is one: the first look compares with that.
    pub fn look(&mut self, now: u64, newest: Option<u64>) -> Trust {
        let last = if self.last == 0 {
            newest.unwrap_or(now)
        } else {
            self.last
        };
        let leapt = now > last.saturating_add(LEAP) || now.saturating_add(BACK) < last;
        if leapt {
            self.doubted_since = Some(now);
        }
        self.last = now;
        match self.doubted_since {
            Some(since) if now < since.saturating_add(STEADY) => Trust::No {
                until: since.saturating_add(STEADY),
            },
            _ => {
                self.doubted_since = None;
                Trust::Yes
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;
    const HOUR: u64 = 3600;

    fn believed(clock: &mut Clock, now: u64) -> bool {
        clock.look(now, None) == Trust::Yes
    }

    #[test]
    fn a_clock_that_goes_on_is_believed_from_the_first_look_on() {
        let mut clock = Clock::default();
        for look in 0..100 {
            assert!(believed(&mut clock, NOW + look * HOUR), "{look}");
        }
        assert!(believed(&mut clock, NOW + 99 * HOUR + LEAP), "off over a weekend");
    }

    #[test]
    fn a_leap_is_believed_after_a_day_of_going_on_and_not_a_second_before() {
        for to in [NOW + 10 * 365 * 24 * HOUR, NOW - 24 * HOUR, 0] {
            let mut clock = Clock::default();
            assert!(believed(&mut clock, NOW));
            assert_eq!(clock.look(to, None), Trust::No { until: to + STEADY });
            for look in 1..24 {
                assert!(!believed(&mut clock, to + look * HOUR), "{look}");
            }
            assert!(!believed(&mut clock, to + STEADY - 1));
            assert!(believed(&mut clock, to + STEADY));
            assert!(believed(&mut clock, to + STEADY + HOUR));
        }
    }

    #[test]
    fn there_and_back_begins_anew() {
        let mut clock = Clock::default();
        assert!(believed(&mut clock, NOW));
        assert!(!believed(&mut clock, NOW + 2 * LEAP));
        assert_eq!(
            clock.look(NOW + HOUR, None),
            Trust::No {
                until: NOW + HOUR + STEADY
            }
        );
        assert!(believed(&mut clock, NOW + HOUR + STEADY));
    }

    #[test]
    fn the_first_look_compares_with_the_newest_session() {
        assert_eq!(
            Clock::default().look(NOW, Some(NOW - 400 * 24 * HOUR)),
            Trust::No { until: NOW + STEADY }
        );
        assert_eq!(Clock::default().look(NOW, Some(NOW - HOUR)), Trust::Yes);
        assert_eq!(
            Clock::default().look(NOW, Some(NOW + HOUR)),
            Trust::No { until: NOW + STEADY },
            "recorded in the future"
        );
    }
}
