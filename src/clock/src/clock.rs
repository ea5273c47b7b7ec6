//! The clock that is steered: the kernel's, or a test's.

use std::fmt;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sps_sys::timex;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::ClockError;

/// Nanoseconds in a second.
const NANOS: i128 = 1_000_000_000;

/// A moment of the wall clock: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(pub i128);

impl UnixTime {
    /// From whole seconds.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(i128::from(seconds) * NANOS)
    }

    /// Whole seconds, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        i64::try_from(self.0.div_euclid(NANOS)).unwrap_or(i64::MAX)
    }

    /// Nanoseconds above the whole second.
    #[must_use]
    pub fn subsecond_nanos(self) -> u32 {
        u32::try_from(self.0.rem_euclid(NANOS)).unwrap_or(0)
    }

    /// Moved by so many nanoseconds.
    #[must_use]
    pub fn plus(self, nanoseconds: i64) -> Self {
        Self(self.0 + i128::from(nanoseconds))
    }
}

impl fmt::Display for UnixTime {
    /// RFC 3339 in UTC with milliseconds cut to what is not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.div_euclid(1_000_000) * 1_000_000;
        let text = OffsetDateTime::from_unix_timestamp_nanos(milliseconds)
            .ok()
            .and_then(|t| t.format(&Rfc3339).ok());
        f.write_str(text.as_deref().unwrap_or("a time beyond all calendars"))
    }
}

/// A clock that can be read, stepped and steered.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> UnixTime;
    /// Moves the clock at once.
    ///
    /// # Errors
    /// The clock cannot be stepped.
    fn step(&self, nanoseconds: i64) -> Result<(), ClockError>;
    /// The frequency correction in force, in parts per million.
    ///
    /// # Errors
    /// The clock does not tell.
    fn frequency_ppm(&self) -> Result<f64, ClockError>;
    /// Lets the clock run faster (positive) or slower.
    ///
    /// # Errors
    /// The clock cannot be steered.
    fn set_frequency_ppm(&self, ppm: f64) -> Result<(), ClockError>;
    /// Switches off whatever else steers the clock.
    ///
    /// # Errors
    /// It cannot be switched off.
    fn take_over(&self) -> Result<(), ClockError>;
    /// The clock is right within `deviation` (standard) and `largest_error`.
    ///
    /// # Errors
    /// The clock cannot be told.
    fn mark_synchronized(&self, deviation: Duration, largest_error: Duration) -> Result<(), ClockError>;
    /// The clock is not known to be right.
    ///
    /// # Errors
    /// The clock cannot be told.
    fn mark_unsynchronized(&self) -> Result<(), ClockError>;
}

/// The machine's clock, `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelClock;

impl Clock for KernelClock {
    fn now(&self) -> UnixTime {
        let now = clock_gettime(ClockId::Realtime);
        UnixTime(i128::from(now.tv_sec) * NANOS + i128::from(now.tv_nsec))
    }

    fn step(&self, nanoseconds: i64) -> Result<(), ClockError> {
        timex::step(nanoseconds).map_err(ClockError::Step)
    }

    fn frequency_ppm(&self) -> Result<f64, ClockError> {
        timex::frequency_ppm().map_err(ClockError::Frequency)
    }

    fn set_frequency_ppm(&self, ppm: f64) -> Result<(), ClockError> {
        timex::set_frequency_ppm(ppm).map_err(ClockError::Steer)
    }

    fn take_over(&self) -> Result<(), ClockError> {
        timex::disable_kernel_discipline().map_err(ClockError::Steer)
    }

    fn mark_synchronized(&self, deviation: Duration, largest_error: Duration) -> Result<(), ClockError> {
        timex::mark_synchronized(deviation, largest_error).map_err(ClockError::Status)
    }

    fn mark_unsynchronized(&self) -> Result<(), ClockError> {
        timex::mark_unsynchronized().map_err(ClockError::Status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_shown_as_people_write_them() {
        assert_eq!(UnixTime::from_seconds(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(
            UnixTime(1_767_225_600_250_000_999).to_string(),
            "2026-01-01T00:00:00.25Z"
        );
    }

    #[test]
    fn moments_before_1970_have_positive_subseconds() {
        let before = UnixTime(-1);
        assert_eq!((before.seconds(), before.subsecond_nanos()), (-1, 999_999_999));
    }

    #[test]
    fn the_kernels_clock_is_read() {
        assert!(KernelClock.now() > UnixTime::from_seconds(1_700_000_000));
        assert!(KernelClock.frequency_ppm().unwrap().abs() <= timex::MAX_FREQUENCY_PPM);
    }
}
