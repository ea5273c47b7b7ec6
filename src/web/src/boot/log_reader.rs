//! Reads the boot log in bounded batches and writes an entry as JSON.

use std::collections::VecDeque;

use serde::Serialize;
use sps_bootlog::{BootLog, Entry};

/// What an entry costs besides its strings when it is written out, bytes (field names, numbers, markup).
const ENTRY_OVERHEAD: usize = 200;

/// Entries after a number, in order, no more of them than asked for.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) entries: VecDeque<Entry>,
    /// Entries that the ring no longer held.
    pub(crate) missed: u64,
    /// Number of the newest entry of the log.
    pub(crate) newest: u64,
}

/// An entry as every JSON answer shows it: its fields and the line of the console.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    line: String,
}

impl<'a> From<&'a Entry> for Line<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            entry,
            line: entry.to_string(),
        }
    }
}

/// Reads at most `most` entries and about `bytes` bytes after the entry `after`, and at least one if there is one.
pub(crate) fn read(log: &BootLog, after: u64, most: usize, bytes: usize) -> Batch {
    let snapshot = log.after(after);
    let mut size = 0;
    let fit = snapshot.entries.iter().take(most).take_while(|entry| {
        let fits = size == 0 || size < bytes;
        size += written_size(entry);
        fits
    });
    let count = fit.count();
    let mut entries = VecDeque::from(snapshot.entries);
    entries.truncate(count);
    entries.shrink_to_fit();
    Batch {
        entries,
        missed: snapshot.missed,
        newest: snapshot.newest,
    }
}

/// Reads the last `most` entries, about `bytes` bytes of them. `missed` counts the entries before them.
pub(crate) fn read_last(log: &BootLog, most: usize, bytes: usize) -> Batch {
    let newest = log.newest();
    let mut batch = read(log, newest.saturating_sub(most as u64), most, usize::MAX);
    let mut size: usize = batch.entries.iter().map(written_size).sum();
    while size > bytes
        && batch.entries.len() > 1
        && let Some(first) = batch.entries.pop_front()
    {
        size -= written_size(&first);
    }
    batch.missed = batch.entries.front().map_or(0, |first| first.seq - 1);
    batch
}

fn written_size(entry: &Entry) -> usize {
    // The text stands twice in JSON: as field and in the line.
    2 * entry.text.len() + 2 * entry.phase.len() + entry.source.len() + ENTRY_OVERHEAD
}

#[cfg(test)]
mod tests {
    use sps_bootlog::{CAPACITY, Level};

    use super::*;

    fn log(entries: usize) -> BootLog {
        let log = BootLog::new();
        for n in 0..entries {
            log.push(Level::Info, "test", &format!("entry {}", n + 1));
        }
        log
    }

    fn numbers(batch: &Batch) -> Vec<u64> {
        batch.entries.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn batches_follow_each_other_without_gap() {
        let log = log(10);
        assert_eq!(numbers(&read(&log, 0, 4, usize::MAX)), [1, 2, 3, 4]);
        assert_eq!(numbers(&read(&log, 4, 4, usize::MAX)), [5, 6, 7, 8]);
        assert_eq!(numbers(&read(&log, 8, 4, usize::MAX)), [9, 10]);
        assert!(numbers(&read(&log, 10, 4, usize::MAX)).is_empty());
    }

    #[test]
    fn a_batch_is_bounded_in_bytes_but_never_empty() {
        let log = log(10);
        assert_eq!(numbers(&read(&log, 0, 10, 1)), [1]);
        assert_eq!(numbers(&read(&log, 0, 10, 500)).len(), 3);
    }

    #[test]
    fn the_last_entries_say_what_came_before() {
        let log = log(CAPACITY + 10);
        let last = read_last(&log, 3, usize::MAX);
        let newest = CAPACITY as u64 + 10;
        assert_eq!(numbers(&last), [newest - 2, newest - 1, newest]);
        assert_eq!((last.missed, last.newest), (newest - 3, newest));
        assert_eq!(numbers(&read_last(&log, 3, 1)), [newest]);
        assert!(numbers(&read_last(&BootLog::new(), 3, 1)).is_empty());
    }
}
