//! What the thread wrote and how long its syncs took, for whoever watches.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets of sync times, milliseconds: a good disk takes one, and from a second on a power cut costs more than is promised.
const BOUNDS: [u64; 10] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000];

#[derive(Debug, Default)]
pub(crate) struct Tally {
    open: AtomicUsize,
    written: AtomicU64,
    buckets: [AtomicU64; BOUNDS.len()],
    syncs: AtomicU64,
    /// Nanoseconds.
    syncing: AtomicU64,
}

/// What was written, and how long it took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Trails that are being written.
    pub open: usize,
    /// Bytes that wait to be written.
    pub waiting: usize,
    /// Bytes that were written since the start.
    pub written: u64,
    /// How many syncs took at most so many seconds; each bucket counts those of the ones before too.
    pub buckets: Vec<(f64, u64)>,
    /// Syncs.
    pub syncs: u64,
    /// Time that all of them took together.
    pub syncing: Duration,
}

impl Tally {
    pub(crate) fn open(&self, count: usize) {
        self.open.store(count, Ordering::Relaxed);
    }

    pub(crate) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn synced(&self, time: Duration) {
        let within = |bound: &u64| time <= Duration::from_millis(*bound);
        if let Some(place) = BOUNDS.iter().position(within) {
            self.buckets[place].fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.syncing.fetch_add(nanoseconds, Ordering::Relaxed);
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn figures(&self, waiting: usize) -> Figures {
        // First, so that no bucket counts one that the whole does not.
        let syncs = self.syncs.load(Ordering::Acquire);
        let mut below = 0;
        let bucket = |(bound, count): (&u64, &AtomicU64)| {
            below += count.load(Ordering::Relaxed);
            (Duration::from_millis(*bound).as_secs_f64(), below)
        };
        let buckets: Vec<_> = BOUNDS.iter().zip(&self.buckets).map(bucket).collect();
        Figures {
            open: self.open.load(Ordering::Relaxed),
            waiting,
            written: self.written.load(Ordering::Relaxed),
            syncs: syncs.max(below),
            buckets,
            syncing: Duration::from_nanos(self.syncing.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_counts_those_before_it_and_the_slowest_are_in_none() {
        let tally = Tally::default();
        for milliseconds in [1, 3, 30, 2000] {
            tally.synced(Duration::from_millis(milliseconds));
        }
        tally.wrote(10);
        tally.wrote(5);
        let figures = tally.figures(7);
        let counts: Vec<u64> = figures.buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [1, 1, 2, 2, 2, 3, 3, 3, 3, 3]);
        assert_eq!((figures.syncs, figures.written, figures.waiting), (4, 15, 7));
        assert_eq!(figures.syncing, Duration::from_millis(2034));
    }
}
