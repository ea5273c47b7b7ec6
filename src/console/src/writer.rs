//! One thread a console, each with its own place in the log.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sps_bootlog::{BootLog, Level};
use tracing::warn;

/// How long a console waits for an entry before it looks again; only bounds the wait.
const WAIT: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct Place {
    shown: AtomicU64,
    moved: Condvar,
    lock: Mutex<()>,
}

/// The consoles being written to.
#[derive(Debug)]
pub struct Consoles {
    log: BootLog,
    places: Vec<Arc<Place>>,
}

impl Consoles {
    /// Starts writing `log` to every console of `/sys/class/tty/console/active`; where that is empty, to
    /// `/dev/console`. One that cannot be opened is a warning: the others go on.
    #[must_use]
    pub fn attach(log: &BootLog) -> Self {
        let active = fs::read_to_string("/sys/class/tty/console/active").unwrap_or_default();
        let mut consoles = Self {
            log: log.clone(),
            places: Vec::new(),
        };
        for path in device_paths(&active) {
            match OpenOptions::new().write(true).open(&path) {
                Ok(device) => consoles.add(device, &path),
                Err(error) => warn!("could not open console {}: {error}", path.display()),
            }
        }
        consoles
    }

    /// Adds one more place to write to.
    fn add(&mut self, device: impl Write + Send + 'static, name: &Path) {
        let place = Arc::new(Place::default());
        let (log, own) = (self.log.clone(), place.clone());
        let spawned = thread::Builder::new()
            .name("console".into())
            .spawn(move || follow(&log, device, &own));
        match spawned {
            Ok(_) => self.places.push(place),
            Err(error) => warn!(
                "could not start the thread of console {}: {error}",
                name.display()
            ),
        }
    }

    /// Waits until every console shows what the log holds now, or `limit` has passed.
    pub fn flush(&self, limit: Duration) {
        let newest = self.log.newest();
        let deadline = Instant::now() + limit;
        for place in &self.places {
            let guard = place.lock.lock().unwrap_or_else(PoisonError::into_inner);
            let left = deadline.saturating_duration_since(Instant::now());
            let behind = |_: &mut ()| place.shown.load(Ordering::Acquire) < newest;
            drop(place.moved.wait_timeout_while(guard, left, behind));
        }
    }
}

/// `tty0 ttyS0` gives their device files, without doubles.
fn device_paths(active: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = active
        .split_whitespace()
        .map(|name| Path::new("/dev").join(name))
        .collect();
    if paths.is_empty() {
        paths.push(PathBuf::from("/dev/console"));
    }
    paths.dedup();
    paths
}

fn follow(log: &BootLog, mut device: impl Write, place: &Place) {
    let mut shown = 0;
    loop {
        let news = log.wait_after(shown, WAIT);
        if news.missed > 0
            && write_line(&mut device, &format!("[…{} lines not shown…]", news.missed)).is_err()
        {
            return;
        }
        for entry in news.entries {
            if entry.level > Level::Debug && write_line(&mut device, &entry.to_string()).is_err() {
                // A console that is gone stays gone; the log and the other consoles go on.
                return;
            }
            shown = entry.seq;
            place.shown.store(shown, Ordering::Release);
        }
        drop(place.lock.lock());
        place.moved.notify_all();
    }
}

fn write_line(device: &mut impl Write, line: &str) -> io::Result<()> {
    device.write_all(format!("{line}\r\n").as_bytes())?;
    device.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    struct Screen(Sender<Vec<u8>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A serial line whose other side never reads.
    struct Blocked;

    impl Write for Blocked {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            loop {
                thread::park();
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_blocked_serial_line_does_not_hold_up_the_screen_nor_the_flush() {
        let log = BootLog::new();
        let (sender, shown) = channel();
        let mut consoles = Consoles {
            log: log.clone(),
            places: Vec::new(),
        };
        consoles.add(Blocked, Path::new("ttyS0"));
        consoles.add(Screen(sender), Path::new("tty0"));
        log.push(Level::Debug, "init", "not for people");
        log.push(Level::Info, "init", "hello");
        let line = shown.recv_timeout(Duration::from_secs(10)).unwrap();
        let text = String::from_utf8(line).unwrap();
        assert!(text.ends_with("hello\r\n"), "{text}");
        consoles.flush(Duration::from_millis(10));
    }

    #[test]
    fn flush_waits_for_what_was_said() {
        let log = BootLog::new();
        let (sender, shown) = channel();
        let mut consoles = Consoles {
            log: log.clone(),
            places: Vec::new(),
        };
        consoles.add(Screen(sender), Path::new("tty0"));
        log.push(Level::Info, "init", "last words");
        consoles.flush(Duration::from_secs(10));
        assert_eq!(shown.try_iter().count(), 1);
    }

    #[test]
    fn the_kernels_list_names_the_devices() {
        assert_eq!(
            device_paths("tty0 ttyS0\n"),
            [PathBuf::from("/dev/tty0"), PathBuf::from("/dev/ttyS0")]
        );
        assert_eq!(device_paths(""), [PathBuf::from("/dev/console")]);
    }
}
