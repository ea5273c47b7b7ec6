//! Work on disks, aside of PID 1's thread.
//!
//! A disk can hang for minutes in a system call that nothing interrupts. The watchdog is fed as long as the work shows
//! signs of life, and no longer: then the work is left behind and the boot decides what that means.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use sps_sys::watchdog::Watchdog;
use thiserror::Error;
use tracing::warn;

/// Silence after which work on a disk counts as hung.
const SILENCE: Duration = Duration::from_secs(120);
/// How often the watchdog is fed meanwhile.
const FEED: Duration = Duration::from_secs(1);

/// Why work did not end.
#[derive(Debug, Error)]
pub(crate) enum AsideError {
    #[error("the disk does not answer: {what} made no progress for {} s", SILENCE.as_secs())]
    Silent { what: &'static str },
    #[error("{what} panicked: {message}")]
    Panicked { what: &'static str, message: String },
    #[error("could not start a thread for {what}")]
    Thread {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
}

/// The sign of life of work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// The work goes on.
    pub(crate) fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Does `work` on a thread of its own, which is left behind when it hangs.
pub(crate) fn aside<T: Send + 'static>(
    what: &'static str,
    watchdog: Option<&Watchdog>,
    work: impl FnOnce(&Pulse) -> T + Send + 'static,
) -> Result<T, AsideError> {
    let pulse = Pulse::default();
    let (done, ended) = mpsc::sync_channel(1);
    let own = pulse.clone();
    let run = move || {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&own)));
        let _nobody_waits_any_more = done.send(result);
    };
    let thread = thread::Builder::new().name("disk".into());
    thread
        .spawn(run)
        .map_err(|source| AsideError::Thread { what, source })?;
    let mut last = (pulse.count(), Instant::now());
    loop {
        match ended.recv_timeout(FEED) {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(panic)) => return Err(panicked(what, panic.as_ref())),
            Err(RecvTimeoutError::Disconnected) => return Err(panicked(what, &())),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(Err(error)) = watchdog.map(Watchdog::feed) {
            warn!("{error}");
        }
        if pulse.count() != last.0 {
            last = (pulse.count(), Instant::now());
        }
        if last.1.elapsed() > SILENCE {
            return Err(AsideError::Silent { what });
        }
    }
}

fn panicked(what: &'static str, panic: &(dyn Any + Send)) -> AsideError {
    AsideError::Panicked {
        what,
        message: sps_init::panic::message(panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_comes_back_and_a_panic_is_told() {
        assert_eq!(aside("adding", None, |_| 1 + 1).unwrap(), 2);
        let error = aside("failing", None, |_| -> () { panic!("no disk") }).unwrap_err();
        assert_eq!(error.to_string(), "failing panicked: no disk");
    }
}
