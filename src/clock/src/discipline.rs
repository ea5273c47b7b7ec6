//! Between `ntp-proto`'s algorithm and the clock: every step is judged and logged.
//!
//! The algorithm treats an error of the clock as a reason to panic, so none is returned to it: trouble is kept
//! here, and the client looks for it after every call.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ntp_proto::{NtpClock, NtpDuration, NtpLeapIndicator, NtpTimestamp};
use tracing::info;

use crate::clock::{Clock, UnixTime};
use crate::error::ClockError;
use crate::limits::{Limits, Refusal};

/// Seconds from the first era of NTP (1900) to 1970 (RFC 5905 figure 4).
const NTP_TO_UNIX: i64 = 2_208_988_800;

/// What went wrong under the algorithm's hands.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A step was refused; the algorithm believes it was made and must be started anew.
    Refused(Refusal),
    /// The clock does not obey.
    Failed(ClockError),
}

/// The clock as the algorithm sees it. Clones share everything.
#[derive(Clone)]
pub(crate) struct Discipline {
    clock: Arc<dyn Clock>,
    limits: Limits,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    synchronized_before: bool,
    trouble: Option<Trouble>,
}

impl Discipline {
    pub(crate) fn new(clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self {
            clock,
            limits,
            shared: Arc::default(),
        }
    }

    /// From now on large steps are refused.
    pub(crate) fn set_synchronized(&self) {
        self.with(|shared| shared.synchronized_before = true);
    }

    /// What the algorithm believes is not what the clock did.
    pub(crate) fn is_in_trouble(&self) -> bool {
        self.with(|shared| shared.trouble.is_some())
    }

    pub(crate) fn take_trouble(&self) -> Option<Trouble> {
        self.with(|shared| shared.trouble.take())
    }

    pub(crate) fn unix_now(&self) -> UnixTime {
        self.clock.now()
    }

    pub(crate) fn ntp_now(&self) -> NtpTimestamp {
        timestamp(self.clock.now())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Shared) -> T) -> T {
        act(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first trouble counts.
    fn note(&self, trouble: Trouble) {
        self.with(|shared| {
            shared.trouble.get_or_insert(trouble);
        });
    }

    fn check(&self, result: Result<(), ClockError>) {
        if let Err(error) = result {
            self.note(Trouble::Failed(error));
        }
    }

    fn step_by(&self, nanoseconds: i64) {
        let before = self.clock.now();
        let synchronized_before = self.with(|shared| shared.synchronized_before);
        match self.limits.judge(before, nanoseconds, synchronized_before) {
            Err(refusal) => self.note(Trouble::Refused(refusal)),
            Ok(after) => match self.clock.step(nanoseconds) {
                Ok(()) => info!("clock stepped from {before} to {after}"),
                Err(error) => self.note(Trouble::Failed(error)),
            },
        }
    }
}

impl NtpClock for Discipline {
    type Error = Infallible;

    fn now(&self) -> Result<NtpTimestamp, Infallible> {
        Ok(self.ntp_now())
    }

    fn set_frequency(&self, frequency: f64) -> Result<NtpTimestamp, Infallible> {
        self.check(self.clock.set_frequency_ppm(frequency * 1e6));
        Ok(self.ntp_now())
    }

    fn get_frequency(&self) -> Result<f64, Infallible> {
        Ok(self.clock.frequency_ppm().map_or_else(
            |error| {
                self.note(Trouble::Failed(error));
                0.0
            },
            |ppm| ppm / 1e6,
        ))
    }

    fn step_clock(&self, offset: NtpDuration) -> Result<NtpTimestamp, Infallible> {
        let (seconds, nanos) = offset.as_seconds_nanos();
        self.step_by(i64::from(seconds) * 1_000_000_000 + i64::from(nanos));
        Ok(self.ntp_now())
    }

    fn disable_ntp_algorithm(&self) -> Result<(), Infallible> {
        self.check(self.clock.take_over());
        Ok(())
    }

    fn error_estimate_update(&self, deviation: NtpDuration, largest: NtpDuration) -> Result<(), Infallible> {
        self.check(
            self.clock
                .mark_synchronized(duration(deviation), duration(largest)),
        );
        Ok(())
    }

    fn status_update(&self, leap: NtpLeapIndicator) -> Result<(), Infallible> {
        // The algorithm says "unknown" whenever it is started; after the first synchronization that is only a
        // change of servers, and the clock is as right as it was.
        let unknown = matches!(leap, NtpLeapIndicator::Unknown | NtpLeapIndicator::Unsynchronized);
        if unknown && !self.with(|shared| shared.synchronized_before) {
            self.check(self.clock.mark_unsynchronized());
        }
        Ok(())
    }
}

fn duration(ntp: NtpDuration) -> Duration {
    Duration::try_from_secs_f64(ntp.abs().to_seconds()).unwrap_or(Duration::MAX)
}

/// Era and all: NTP's seconds wrap in 2036, and the algorithm reckons with differences.
fn timestamp(time: UnixTime) -> NtpTimestamp {
    let seconds = (time.seconds() + NTP_TO_UNIX).rem_euclid(1 << 32);
    NtpTimestamp::from_seconds_nanos_since_ntp_era(
        u32::try_from(seconds).unwrap_or(0),
        time.subsecond_nanos(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrap_of_2036_is_one_second_long() {
        let wrap = (1_i64 << 32) - NTP_TO_UNIX;
        let (before, after) = (
            timestamp(UnixTime::from_seconds(wrap - 1)),
            timestamp(UnixTime::from_seconds(wrap)),
        );
        assert!((after - before).to_seconds() - 1.0 < 1e-6);
        assert!(before.is_before(after));
    }
}
