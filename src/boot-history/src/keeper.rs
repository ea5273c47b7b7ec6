//! The thread that takes the log in memory to disk.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sps_bootlog::{BootLog, Level};
use tracing::warn;

use crate::files::{self, HistoryError, MOST};

/// How long the thread waits for news before it looks again; only bounds the wait.
const WAIT: Duration = Duration::from_secs(60);

/// Keeps the log of this boot.
#[derive(Debug)]
pub struct LogKeeper {
    log: BootLog,
    path: PathBuf,
    place: Arc<Place>,
}

#[derive(Debug, Default)]
struct Place {
    kept: AtomicU64,
    stop: AtomicBool,
    /// The file is closed.
    ended: AtomicBool,
    lock: Mutex<()>,
    moved: Condvar,
}

impl LogKeeper {
    /// Starts keeping `log`, of a boot from `slot`, in a new file in `folder`, from its first line on.
    ///
    /// # Errors
    /// When the file cannot be made or the thread cannot be started.
    pub fn start(log: &BootLog, folder: &Path, slot: u8) -> Result<Self, HistoryError> {
        let (path, file) = files::create(folder, slot)?;
        let place = Arc::new(Place::default());
        let (source, own, name) = (log.clone(), place.clone(), path.clone());
        let work = move || {
            if let Err(source) = follow(&source, file, &own) {
                let path = name;
                warn!("{}", sps_bootlog::causes(&HistoryError::Write { path, source }));
            }
            own.end();
        };
        thread::Builder::new()
            .name("boot-history".into())
            .spawn(work)
            .map_err(HistoryError::Thread)?;
        Ok(Self {
            log: log.clone(),
            path,
            place,
        })
    }

    /// The file of this boot.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the keeping, so that the file system can be unmounted: returns when what the log holds now is on disk and the file is
    /// closed, or when `limit` has passed.
    pub fn close(&self, limit: Duration) {
        self.place.stop.store(true, Ordering::Release);
        self.log.push(Level::Info, "exit", "this boot's log ends here");
        let guard = self.place.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let open = |(): &mut ()| !self.place.ended.load(Ordering::Acquire);
        drop(self.place.moved.wait_timeout_while(guard, limit, open));
    }

    /// Waits until what the log holds now is on disk, or `limit` has passed; says which.
    pub fn flush(&self, limit: Duration) -> bool {
        let newest = self.log.newest();
        let deadline = Instant::now() + limit;
        let guard = self.place.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let left = deadline.saturating_duration_since(Instant::now());
        let behind = |(): &mut ()| self.place.kept.load(Ordering::Acquire) < newest;
        let waited = self.place.moved.wait_timeout_while(guard, left, behind);
        drop(waited);
        self.place.kept.load(Ordering::Acquire) >= newest
    }
}

impl Place {
    fn end(&self) {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.ended.store(true, Ordering::Release);
        drop(guard);
        self.moved.notify_all();
    }
}

/// Ends with an error of the disk, or when the keeper is closed.
fn follow(log: &BootLog, mut file: File, place: &Place) -> io::Result<()> {
    let (mut kept, mut written) = (0, 0);
    loop {
        let news = log.wait_after(kept, WAIT);
        let mut text = String::new();
        if news.missed > 0 {
            text.push_str(&format!("[…{} lines not kept…]\n", news.missed));
        }
        for entry in &news.entries {
            text.push_str(&format!("{entry}\n"));
            kept = entry.seq;
        }
        // The rest of a log that is too long stays in memory; the file says so by its size.
        if written + text.len() as u64 <= MOST && !text.is_empty() {
            file.write_all(text.as_bytes())?;
            file.sync_data()?;
            written += text.len() as u64;
        }
        let guard = place.lock.lock().unwrap_or_else(PoisonError::into_inner);
        place.kept.store(kept, Ordering::Release);
        drop(guard);
        place.moved.notify_all();
        if place.stop.load(Ordering::Acquire) && kept >= log.newest() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_before_and_after_the_start_is_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let log = BootLog::new();
        log.push(Level::Info, "mounts", "before");
        let keeper = LogKeeper::start(&log, folder.path(), 2).unwrap();
        log.push(Level::Debug, "state", "after");
        assert!(keeper.flush(Duration::from_secs(20)));
        let lines = files::tail(keeper.path(), 10).unwrap();
        assert!(
            lines[0].ends_with("before") && lines[1].contains("after"),
            "{lines:?}"
        );
    }
    #[test]
    fn a_closed_keeper_holds_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let log = BootLog::new();
        let keeper = LogKeeper::start(&log, folder.path(), 2).unwrap();
        log.push(Level::Info, "services", "before");
        keeper.close(Duration::from_secs(20));
        let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let mut links = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        assert!(links.all(|link| link != keeper.path()), "the file is open");
        log.push(Level::Info, "exit", "after");
        let lines = files::tail(keeper.path(), 10).unwrap();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[1].ends_with("this boot's log ends here"), "{lines:?}");
    }
}
