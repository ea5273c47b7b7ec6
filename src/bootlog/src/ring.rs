//! The ring itself: append, read from a number on, wait for more.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;

use crate::entry::{Entry, Level, one_line};
use crate::verbosity::Verbosity;

/// Entries kept. A whole boot with an upgrade writes a few hundred; 4,096 of them at most 1 KiB each bound the
/// ring to about 4 MiB.
pub const CAPACITY: usize = 4096;

/// What a reader gets: entries after the number it named, and how many it missed because the ring moved on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Entries in order.
    pub entries: Vec<Entry>,
    /// Entries between the number asked for and the first one returned that the ring no longer holds.
    pub missed: u64,
    /// Number of the newest entry, 0 when there is none: ask for what comes after it next time.
    pub newest: u64,
}

#[derive(Debug)]
struct Ring {
    entries: VecDeque<Entry>,
    newest: u64,
    phase: String,
}

#[derive(Debug)]
struct Shared {
    ring: Mutex<Ring>,
    verbosity: Verbosity,
    grown: Condvar,
    newest: watch::Sender<u64>,
}

/// Handle to the boot log; clones share one ring.
#[derive(Clone, Debug)]
pub struct BootLog {
    shared: Arc<Shared>,
}

impl Default for BootLog {
    fn default() -> Self {
        Self::new()
    }
}

impl BootLog {
    /// An empty log in the phase `start`.
    #[must_use]
    pub fn new() -> Self {
        let ring = Ring {
            entries: VecDeque::new(),
            newest: 0,
            phase: "start".into(),
        };
        let shared = Shared {
            ring: Mutex::new(ring),
            verbosity: Verbosity::default(),
            grown: Condvar::new(),
            newest: watch::Sender::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// How much of sessions is logged.
    #[must_use]
    pub fn verbosity(&self) -> &Verbosity {
        &self.shared.verbosity
    }

    /// Names the boot phase that later entries belong to.
    pub fn enter_phase(&self, phase: &str) {
        self.lock().phase = one_line(phase);
    }

    /// The phase entries belong to now.
    #[must_use]
    pub fn phase(&self) -> String {
        self.lock().phase.clone()
    }

    /// Appends an entry in the current phase and wakes the readers.
    pub fn push(&self, level: Level, source: &str, text: &str) {
        let mut ring = self.lock();
        ring.newest += 1;
        let entry = Entry {
            seq: ring.newest,
            uptime_ms: u64::try_from(uptime().as_millis()).unwrap_or(u64::MAX),
            unix_ms: unix_ms(),
            phase: ring.phase.clone(),
            level,
            source: one_line(source),
            text: one_line(text),
        };
        if ring.entries.len() == CAPACITY {
            ring.entries.pop_front();
        }
        ring.entries.push_back(entry);
        // Under the lock, so that the number never goes back.
        self.shared.newest.send_replace(ring.newest);
        drop(ring);
        self.shared.grown.notify_all();
    }

    /// Number of the newest entry, 0 when there is none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.lock().newest
    }

    /// Every entry numbered above `after` that the ring still holds.
    #[must_use]
    pub fn after(&self, after: u64) -> Snapshot {
        let ring = self.lock();
        let first_kept = ring.newest - ring.entries.len() as u64 + 1;
        // A reader from an earlier boot may name a number this log has not reached: it starts afresh.
        let after = if after > ring.newest { 0 } else { after };
        let missed = first_kept.saturating_sub(after + 1);
        let entries = ring
            .entries
            .iter()
            .filter(|entry| entry.seq > after)
            .cloned()
            .collect();
        Snapshot {
            entries,
            missed,
            newest: ring.newest,
        }
    }

    /// Like [`BootLog::after`] for a thread: waits up to `limit` for an entry above `after`. An empty answer means
    /// that none came in time.
    #[must_use]
    pub fn wait_after(&self, after: u64, limit: Duration) -> Snapshot {
        let ring = self.lock();
        let waited = self
            .shared
            .grown
            .wait_timeout_while(ring, limit, |ring| ring.newest <= after);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.after(after)
    }

    /// A receiver whose value is the newest entry's number: `changed().await` waits for more, without polling.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.shared.newest.subscribe()
    }

    /// A panic while the lock was held leaves the ring whole: no step in between breaks it.
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time since the kernel started, by the monotonic clock: the time base of everything that is shown.
#[must_use]
pub fn uptime() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Milliseconds of the wall clock; a clock before 1970 counts as 1970.
fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_what_it_has_not_seen() {
        let log = BootLog::new();
        log.push(Level::Info, "init", "one");
        log.enter_phase("network");
        log.push(Level::Error, "net", "two");
        let all = log.after(0);
        assert_eq!((all.entries.len(), all.missed, all.newest), (2, 0, 2));
        assert_eq!(all.entries[0].phase, "start");
        assert_eq!(all.entries[1].phase, "network");
        assert_eq!(log.after(1).entries, all.entries[1..]);
        assert!(log.after(2).entries.is_empty());
    }

    #[test]
    fn a_reader_from_an_earlier_boot_starts_afresh() {
        let log = BootLog::new();
        log.push(Level::Info, "init", "one");
        assert_eq!(log.after(900).entries.len(), 1);
    }

    #[test]
    fn the_ring_is_bounded_and_says_what_was_missed() {
        let log = BootLog::new();
        for n in 0..CAPACITY + 10 {
            log.push(Level::Info, "init", &n.to_string());
        }
        let seen = log.after(0);
        assert_eq!((seen.entries.len(), seen.missed), (CAPACITY, 10));
        assert_eq!(seen.entries[0].seq, 11);
    }

    #[test]
    fn a_thread_waits_for_the_next_entry_or_its_limit() {
        let log = BootLog::new();
        assert!(log.wait_after(0, Duration::from_millis(1)).entries.is_empty());
        let writer = log.clone();
        let waiter = std::thread::spawn(move || log.wait_after(0, Duration::from_secs(30)));
        writer.push(Level::Info, "init", "now");
        assert_eq!(waiter.join().unwrap().entries[0].text, "now");
    }

    #[tokio::test]
    async fn waiting_ends_with_the_next_entry() {
        let log = BootLog::new();
        let mut newest = log.subscribe();
        let writer = log.clone();
        let waiter = tokio::spawn(async move {
            newest.changed().await.unwrap();
            *newest.borrow()
        });
        writer.push(Level::Info, "init", "now");
        assert_eq!(waiter.await.unwrap(), 1);
    }
}
