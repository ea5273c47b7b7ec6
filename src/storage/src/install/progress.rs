//! How far an installation is, for people. Pure.

use std::time::Duration;

/// Bytes before which a rate would be a guess.
const ENOUGH_FOR_A_RATE: u64 = 1 << 20;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub title: &'static str,
    /// Bytes written and read back so far.
    pub done: u64,
    /// Bytes to be written and read back.
    pub total: u64,
    /// Time since the first byte.
    pub elapsed: Duration,
}

impl Progress {
    /// 0 to 100.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let done = u128::from(self.done.min(self.total)) * 100;
        done.checked_div(u128::from(self.total))
            .and_then(|percent| u8::try_from(percent).ok())
            .unwrap_or(100)
    }

    /// Bytes in a second, once enough have gone to say.
    #[must_use]
    pub fn rate(&self) -> Option<u64> {
        let millis = self.elapsed.as_millis();
        if self.done < ENOUGH_FOR_A_RATE || millis == 0 {
            return None;
        }
        u64::try_from(u128::from(self.done) * 1000 / millis).ok()
    }

    /// Time left at this rate, rounded up to seconds.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let rate = self.rate().filter(|rate| *rate > 0)?;
        Some(Duration::from_secs(
            self.total.saturating_sub(self.done).div_ceil(rate),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(done: u64, total: u64, millis: u64) -> Progress {
        Progress {
            title: "Copy",
            done,
            total,
            elapsed: Duration::from_millis(millis),
        }
    }

    #[test]
    fn rate_and_time_left_follow_from_bytes_and_time() {
        let half = at(50 << 20, 100 << 20, 2000);
        assert_eq!((half.percent(), half.rate()), (50, Some(25 << 20)));
        assert_eq!(half.left(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn the_beginning_and_the_end_are_no_divisions_by_zero() {
        assert_eq!((at(0, 0, 0).percent(), at(0, 0, 0).left()), (100, None));
        assert_eq!((at(0, 10, 0).percent(), at(5, 10, 9).rate()), (0, None));
        assert_eq!(at(u64::MAX, u64::MAX, 1).percent(), 100);
        assert_eq!(at(2 << 20, 1 << 20, 1000).left(), Some(Duration::ZERO));
    }
}
