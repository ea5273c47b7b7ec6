//! How far something is, how fast it goes, and when it will be done.

use std::time::Duration;

/// Shortest time over which a rate is told: before, it says nothing.
const LEAST: Duration = Duration::from_millis(500);

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Parts done.
    pub done: u64,
    /// Parts in all.
    pub total: u64,
    /// Parts a second; none before it can be told.
    pub rate: Option<f64>,
    /// Time left; none before it can be told.
    pub left: Option<Duration>,
}

/// Counts; time is told to it.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    begun: Duration,
    /// Parts that were done before it began: by an earlier start.
    before: u64,
    done: u64,
    total: u64,
}

impl Meter {
    /// Begins at `now`, of any monotonic clock.
    #[must_use]
    pub const fn new(total: u64, now: Duration) -> Self {
        Self {
            begun: now,
            before: 0,
            done: 0,
            total,
        }
    }

    /// Parts an earlier start had done: they count as done, not as fast.
    pub const fn resume(&mut self, done: u64) {
        self.before += done;
        self.done += done;
    }

    /// More parts are done.
    pub const fn advance(&mut self, parts: u64) {
        self.done += parts;
    }

    /// How far it is at `now`.
    #[must_use]
    pub fn progress(&self, now: Duration) -> Progress {
        let total = self.total.max(self.done);
        let took = now.saturating_sub(self.begun);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = (took >= LEAST).then(|| (self.done - self.before) as f64 / took.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a time for people")]
        let left = rate
            .filter(|rate| *rate > 0.0)
            .and_then(|rate| Duration::try_from_secs_f64((total - self.done) as f64 / rate).ok());
        Progress {
            done: self.done,
            total,
            rate,
            left,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_counts_what_this_start_did() {
        let second = Duration::from_secs(1);
        let mut meter = Meter::new(1000, second);
        assert_eq!(meter.progress(second).left, None);
        meter.resume(500);
        meter.advance(100);
        let progress = meter.progress(second * 3);
        assert_eq!((progress.done, progress.total), (600, 1000));
        assert_eq!(progress.rate, Some(50.0));
        assert_eq!(progress.left, Some(second * 8));
    }

    #[test]
    fn more_than_was_counted_is_no_panic_and_a_clock_that_stands_still_neither() {
        let mut meter = Meter::new(1, Duration::from_secs(9));
        meter.advance(5);
        assert_eq!(meter.progress(Duration::ZERO).total, 5);
        assert_eq!(meter.progress(Duration::from_secs(20)).left, Some(Duration::ZERO));
    }
}
