//! One thread a console, each with its own place in the log.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use sps_bootlog::{BootLog, Level};
use tracing::warn;

use crate::screen::Screen;
use crate::terminal::{Sessions, Terminal, TerminalError};

/// How long a console waits for an entry before it looks again; only bounds the wait.
const WAIT: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct Place {
    shown: AtomicU64,
    moved: Condvar,
    lock: Mutex<()>,
}

#[derive(Debug)]
struct Console {
    path: PathBuf,
    place: Arc<Place>,
    screen: Arc<Screen>,
}

/// The consoles being written to.
#[derive(Debug)]
pub struct Consoles {
    log: BootLog,
    consoles: Vec<Console>,
}

/// The menus of all consoles.
#[derive(Debug, Default)]
pub struct Menus {
    terminals: Vec<Terminal>,
}

impl Menus {
    /// Opens the menu on every console that shows the log.
    pub fn open(&self) {
        self.terminals.iter().for_each(Terminal::open);
    }
}

impl Consoles {
    /// Starts writing `log` to every console of `/sys/class/tty/console/active`; where that is empty, to
    /// `/dev/console`. One that cannot be opened is a warning: the others go on.
    #[must_use]
    pub fn attach(log: &BootLog) -> Self {
        let active = fs::read_to_string("/sys/class/tty/console/active").unwrap_or_default();
        Self::on(log, &device_paths(&active))
    }

    /// Starts writing `log` to the terminals at `paths`.
    #[must_use]
    pub fn on(log: &BootLog, paths: &[PathBuf]) -> Self {
        let mut consoles = Self {
            log: log.clone(),
            consoles: Vec::new(),
        };
        // A console never becomes the controlling terminal: Ctrl-C there is a key like any other.
        let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or(0);
        for path in paths {
            match OpenOptions::new().write(true).custom_flags(flags).open(path) {
                Ok(device) => consoles.add(device, path),
                Err(error) => warn!("could not open console {}: {error}", path.display()),
            }
        }
        consoles
    }

    /// Adds one more place to write to.
    fn add(&mut self, device: impl Write + Send + 'static, path: &Path) {
        let place = Arc::new(Place::default());
        let screen = Arc::new(Screen::new(device));
        let (log, own, shown) = (self.log.clone(), place.clone(), screen.clone());
        let spawned = thread::Builder::new()
            .name("console".into())
            .spawn(move || follow(&log, &shown, &own));
        let path = path.to_owned();
        match spawned {
            Ok(_) => self.consoles.push(Console { path, place, screen }),
            Err(error) => warn!(
                "could not start the thread of console {}: {error}",
                path.display()
            ),
        }
    }

    /// From now on Enter opens the menu on each console. Once.
    #[must_use]
    pub fn serve_menus(&self, sessions: &Sessions) -> Menus {
        let start = |console: &Console| {
            Terminal::start(&console.path, console.screen.clone(), sessions.clone())
                .map_err(|error: TerminalError| warn!("no menu: {}", sps_bootlog::causes(&error)))
                .ok()
        };
        Menus {
            terminals: self.consoles.iter().filter_map(start).collect(),
        }
    }

    /// Ends every menu, so that the log has the last word, and waits until each console shows what the log holds
    /// now, or `limit` has passed.
    pub fn flush(&self, limit: Duration) {
        let newest = self.log.newest();
        let deadline = Instant::now() + limit;
        for console in &self.consoles {
            console.screen.give_back_for_good();
        }
        for Console { place, .. } in &self.consoles {
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

fn follow(log: &BootLog, screen: &Screen, place: &Place) {
    let mut shown = 0;
    loop {
        let news = log.wait_after(shown, WAIT);
        if news.missed > 0 && write_line(screen, &format!("[…{} lines not shown…]", news.missed)).is_err()
        {
            return;
        }
        for entry in news.entries {
            if entry.level > Level::Debug && write_line(screen, &entry.to_string()).is_err() {
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

fn write_line(screen: &Screen, line: &str) -> io::Result<()> {
    screen.write_log(format!("{line}\r\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    struct Shown(Sender<Vec<u8>>);

    impl Write for Shown {
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

    fn none(log: &BootLog) -> Consoles {
        Consoles::on(log, &[])
    }

    #[test]
    fn a_blocked_serial_line_does_not_hold_up_the_screen_nor_the_flush() {
        let log = BootLog::new();
        let (sender, shown) = channel();
        let mut consoles = none(&log);
        consoles.add(Blocked, Path::new("ttyS0"));
        consoles.add(Shown(sender), Path::new("tty0"));
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
        let mut consoles = none(&log);
        consoles.add(Shown(sender), Path::new("tty0"));
        log.push(Level::Info, "init", "last words");
        consoles.flush(Duration::from_secs(10));
        assert_eq!(shown.try_iter().count(), 1);
    }

    #[test]
    fn the_log_waits_behind_the_menu_and_loses_nothing() {
        let log = BootLog::new();
        let (sender, shown) = channel();
        let mut consoles = none(&log);
        consoles.add(Shown(sender), Path::new("tty0"));
        let screen = consoles.consoles[0].screen.clone();
        assert!(screen.take());
        log.push(Level::Info, "init", "one");
        log.push(Level::Info, "init", "two");
        screen.write_menu(b"Choice: ").unwrap();
        assert_eq!(shown.recv_timeout(Duration::from_secs(10)).unwrap(), b"Choice: ");
        screen.give_back();
        screen.write_menu(b"late").unwrap();
        for word in ["one", "two"] {
            let line = shown.recv_timeout(Duration::from_secs(10)).unwrap();
            assert!(String::from_utf8(line).unwrap().contains(word));
        }
        assert!(screen.take());
        log.push(Level::Info, "init", "last words");
        consoles.flush(Duration::from_secs(10));
        assert_eq!(shown.try_iter().count(), 1);
        assert!(
            !screen.take(),
            "the menu came back while the machine is being left"
        );
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
