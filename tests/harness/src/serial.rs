//! The guest's serial line: everything it says is kept, in memory and in a file; tests wait for a text.
//!
//! A thread reads; waiting is on a condition variable and ends when the text comes, when the line closes
//! (the guest ended) or when the time is up.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use regex::bytes::Regex;

/// Bytes kept in memory: a boot says about 30 KiB, so a guest in an endless loop of reboots is cut off long
/// after anybody looks. The file has the same bound.
const MAX_LOG: usize = 64 << 20;
/// Lines of the log shown when a text did not come.
const TAIL_LINES: usize = 15;

/// A text that came.
#[derive(Clone, Debug)]
pub struct Found {
    /// The whole match, then its groups; a group that took no part is empty.
    pub groups: Vec<String>,
    /// When the last byte of the match was read.
    pub at: Instant,
}

#[derive(Debug, Default)]
struct Log {
    bytes: Vec<u8>,
    /// Length of the log after each read, and when that was.
    arrivals: Vec<(usize, Instant)>,
    /// Where the next search starts.
    cursor: usize,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    log: Mutex<Log>,
    grown: Condvar,
}

/// The serial line of one guest.
#[derive(Debug)]
pub struct Serial {
    shared: Arc<Shared>,
    writer: UnixStream,
    file: PathBuf,
}

impl Serial {
    /// Reads `line` until it closes, copying to the file `path`.
    pub(crate) fn open(line: UnixStream, path: &Path) -> Result<Self> {
        let mut copy = File::create(path).with_context(|| format!("create {}", path.display()))?;
        let mut reader = line.try_clone().context("clone the serial line's socket")?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                theirs.append(&chunk[..count], &mut copy);
            }
            theirs.lock().closed = true;
            theirs.grown.notify_all();
        });
        Ok(Self {
            shared,
            writer: line,
            file: path.to_owned(),
        })
    }

    /// Waits until `pattern` (a regular expression, `(?m)` for line anchors) appears after the last text found.
    ///
    /// # Errors
    /// When it did not come within `timeout`, or the guest ended before; the message shows the log's end.
    pub fn expect(&self, pattern: &str, timeout: Duration) -> Result<Found> {
        self.wait(pattern, timeout, |log, regex| {
            let (found, end) = log.find(regex, log.cursor)?;
            log.cursor = end;
            Some(found)
        })
    }

    /// Waits until `pattern` has appeared anywhere since power-on; does not move the place [`Self::expect`] goes
    /// on from. For texts whose order does not matter.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub fn expect_anywhere(&self, pattern: &str, timeout: Duration) -> Result<Found> {
        self.wait(pattern, timeout, |log, regex| {
            log.find(regex, 0).map(|(found, _)| found)
        })
    }

    fn wait(
        &self,
        pattern: &str,
        timeout: Duration,
        find: impl Fn(&mut Log, &Regex) -> Option<Found>,
    ) -> Result<Found> {
        let regex = Regex::new(pattern).with_context(|| format!("the pattern {pattern:?}"))?;
        let deadline = Instant::now() + timeout;
        let mut log = self.shared.lock();
        loop {
            if let Some(found) = find(&mut log, &regex) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if log.closed || left.is_zero() {
                let why = if log.closed {
                    "the guest ended before"
                } else {
                    "time is up waiting for"
                };
                bail!(
                    "{why} {pattern:?} on its serial line ({timeout:?}); last lines:\n{}",
                    log.tail()
                );
            }
            log = self
                .shared
                .grown
                .wait_timeout(log, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Whether `pattern` has appeared anywhere up to now.
    ///
    /// # Errors
    /// When the pattern is not a regular expression.
    pub fn said(&self, pattern: &str) -> Result<bool> {
        let regex = Regex::new(pattern).with_context(|| format!("the pattern {pattern:?}"))?;
        Ok(regex.is_match(&self.shared.lock().bytes))
    }

    /// Everything said up to now.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.shared.lock().bytes).into_owned()
    }

    /// The file that holds the same.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Types `text`.
    ///
    /// # Errors
    /// When the guest has ended.
    pub fn send(&self, text: &str) -> Result<()> {
        (&self.writer)
            .write_all(text.as_bytes())
            .with_context(|| format!("send {text:?} to the serial line"))
    }
}

impl Shared {
    /// A panic under the lock leaves the log whole.
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, chunk: &[u8], copy: &mut File) {
        let mut log = self.lock();
        if log.bytes.len() + chunk.len() > MAX_LOG {
            return;
        }
        log.bytes.extend_from_slice(chunk);
        let length = log.bytes.len();
        log.arrivals.push((length, Instant::now()));
        drop(log);
        self.grown.notify_all();
        // The file is for people: memory has what the test judges by.
        let _unjudged = copy.write_all(chunk);
    }
}

impl Log {
    /// The first match from `start` on, and where it ends.
    fn find(&self, regex: &Regex, start: usize) -> Option<(Found, usize)> {
        let captures = regex.captures_at(&self.bytes, start)?;
        let end = captures.get(0).map_or(start, |whole| whole.end());
        let text = |group: Option<regex::bytes::Match<'_>>| {
            group.map_or_else(String::new, |g| {
                String::from_utf8_lossy(g.as_bytes()).into_owned()
            })
        };
        let groups = captures.iter().map(text).collect();
        let read = self.arrivals.partition_point(|(length, _)| *length < end);
        let at = self.arrivals.get(read).map_or_else(Instant::now, |(_, at)| *at);
        Some((Found { groups, at }, end))
    }

    fn tail(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn line() -> (Serial, UnixStream, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let serial = Serial::open(ours, &folder.path().join("serial.log")).unwrap();
        (serial, theirs, folder)
    }

    #[test]
    fn texts_are_found_in_order_and_once() {
        let (serial, mut guest, _folder) = line();
        guest.write_all(b"ready 1\nready 2\n").unwrap();
        assert_eq!(
            serial.expect("ready (\\d)", SOON).unwrap().groups,
            ["ready 1", "1"]
        );
        assert_eq!(serial.expect("ready (\\d)", SOON).unwrap().groups[1], "2");
        let late = serial
            .expect("ready", Duration::from_millis(1))
            .unwrap_err()
            .to_string();
        assert!(
            late.starts_with("time is up") && late.contains("ready 2"),
            "{late}"
        );
        assert!(serial.said("ready 1").unwrap());
        assert_eq!(
            serial.expect_anywhere("ready (\\d)", SOON).unwrap().groups[1],
            "1"
        );
    }

    #[test]
    fn a_guest_that_ends_is_not_waited_for() {
        let (serial, mut guest, _folder) = line();
        guest.write_all(b"panic").unwrap();
        drop(guest);
        let error = serial
            .expect("healthy", Duration::from_secs(3600))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("the guest ended"), "{error}");
        assert_eq!(std::fs::read(serial.file()).unwrap(), b"panic");
    }

    #[test]
    fn what_is_typed_reaches_the_guest() {
        let (serial, mut guest, _folder) = line();
        serial.send("x\r").unwrap();
        let mut typed = [0; 2];
        guest.read_exact(&mut typed).unwrap();
        assert_eq!(&typed, b"x\r");
    }
}
