//! Wrong passwords cost time, more with each. Pure: `now` is an argument.
//!
//! The delay stays small enough that a person who mistyped is not locked out, and large enough that guessing at a
//! console takes years (one try in 30 s is about a million a year).

use std::time::Duration;

/// Delay after the first wrong password; doubled by each further one.
const FIRST: Duration = Duration::from_secs(1);
/// Longest delay.
const LONGEST: Duration = Duration::from_secs(30);

/// Wrong passwords of one kind of origin.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Throttle {
    failures: u32,
    /// Not judged before; on the caller's monotonic clock.
    until: Duration,
}

impl Throttle {
    /// How long nobody is judged any more; zero when the next password may come.
    pub(crate) fn wait(&self, now: Duration) -> Duration {
        self.until.saturating_sub(now)
    }

    /// A password was judged; returns the delay before the next.
    pub(crate) fn judged(&mut self, accepted: bool, now: Duration) -> Duration {
        if accepted {
            *self = Self::default();
            return Duration::ZERO;
        }
        self.failures = self.failures.saturating_add(1);
        let delay = FIRST
            .saturating_mul(1 << self.failures.saturating_sub(1).min(10))
            .min(LONGEST);
        self.until = now.saturating_add(delay);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_password_costs_more_up_to_a_bound_and_a_right_one_forgives() {
        let mut throttle = Throttle::default();
        let now = Duration::from_secs(100);
        let delays: Vec<u64> = (0..8).map(|_| throttle.judged(false, now).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(throttle.wait(now), Duration::from_secs(30));
        assert_eq!(throttle.wait(now + Duration::from_secs(31)), Duration::ZERO);
        throttle.judged(true, now);
        assert_eq!(throttle.wait(now), Duration::ZERO);
        assert_eq!(throttle.judged(false, now).as_secs(), 1);
    }
}
