//! The menu on one terminal: keys in, menu forward, output out.
//!
//! Three threads: one reads keys, one drives the menu, and while a request is carried out one waits for it. The
//! terminal is in raw mode all the time, so that what is typed while the log runs does not garble it. Only Enter is
//! heard then: it opens the menu.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::termios::{ControlModes, OptionalActions, SpecialCodeIndex, isatty, tcgetattr, tcsetattr};
use sps_admin::{Request, Response, Session};

use crate::driver::Driver;
use crate::menu::Menu;
use crate::screen::Screen;

pub use error::TerminalError;

mod error;

/// Gives a session to the console of the named terminal.
pub type Sessions = Arc<dyn Fn(&str) -> Box<dyn Session + Send> + Send + Sync>;

/// Events that may wait: keys of a few pasted lines.
pub(crate) const WAITING: usize = 64;
/// Keys read at once, bytes.
const KEYS: usize = 256;
/// Pause before a terminal that went away is opened again.
const REOPEN: Duration = Duration::from_secs(1);

/// What the driver of a terminal hears.
#[derive(Debug)]
pub(crate) enum Event {
    Keys(Vec<u8>),
    HungUp,
    Open,
    Progress {
        job: u64,
        progress: sps_admin::Progress,
    },
    Ended {
        job: u64,
        reply: Box<Result<Response, sps_admin::Failure>>,
    },
    Printed {
        job: u64,
        bytes: Vec<u8>,
    },
    Ran {
        job: u64,
    },
}

/// A terminal with a menu.
#[derive(Debug)]
pub(crate) struct Terminal {
    events: SyncSender<Event>,
}

impl Terminal {
    /// Starts reading keys of the terminal at `path`; output goes to `screen`.
    pub(crate) fn start(path: &Path, screen: Arc<Screen>, sessions: Sessions) -> Result<Self, TerminalError> {
        let keys = open(path)?;
        let name = tty_name(path);
        let (events, heard) = sync_channel(WAITING);
        let driver = Driver::new(&name, Menu::new(&name), screen, sessions, events.clone());
        spawn("console-menu", move || drive(driver, &heard))?;
        let (own, reader) = (path.to_owned(), events.clone());
        spawn("console-keys", move || read_keys(keys, &own, &reader))?;
        Ok(Self { events })
    }

    /// Opens the menu when the log is shown.
    pub(crate) fn open(&self) {
        let _full_of_keys = self.events.try_send(Event::Open);
    }
}

/// `tty0` is the screen in front, which people call `tty1`.
fn tty_name(path: &Path) -> String {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("tty0") => "tty1".into(),
        Some(name) => name.into(),
        None => "console".into(),
    }
}

pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), TerminalError> {
    thread::Builder::new()
        .name(name.into())
        .spawn(run)
        .map(drop)
        .map_err(TerminalError::Thread)
}

fn open(path: &Path) -> Result<File, TerminalError> {
    let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or(0);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(|source| TerminalError::Open {
            path: path.to_owned(),
            source,
        })?;
    raw(&file).map_err(|source| TerminalError::Raw {
        path: path.to_owned(),
        source,
    })?;
    Ok(file)
}

/// Every key as it comes, nothing echoed, no signal; a serial line does not wait for a modem.
fn raw(file: &File) -> io::Result<()> {
    if !isatty(file) {
        return Ok(());
    }
    let mut settings = tcgetattr(file)?;
    settings.make_raw();
    settings.special_codes[SpecialCodeIndex::VMIN] = 1;
    settings.special_codes[SpecialCodeIndex::VTIME] = 0;
    settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    Ok(tcsetattr(file, OptionalActions::Now, &settings)?)
}

/// Passes keys on; a terminal that goes away is opened again, for as long as it takes.
fn read_keys(mut keys: File, path: &Path, events: &SyncSender<Event>) {
    loop {
        while let Some(read) = read_some(&mut keys) {
            if events.send(Event::Keys(read)).is_err() {
                return;
            }
        }
        if events.send(Event::HungUp).is_err() {
            return;
        }
        keys = loop {
            thread::park_timeout(REOPEN);
            if let Ok(again) = open(path) {
                break again;
            }
        };
    }
}

pub(crate) fn read_some(keys: &mut impl Read) -> Option<Vec<u8>> {
    let mut buffer = [0; KEYS];
    loop {
        match keys.read(&mut buffer) {
            Ok(0) => return None,
            Ok(count) => {
                let read = buffer[..count].to_vec();
                zeroize::Zeroize::zeroize(&mut buffer);
                return Some(read);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// Hears events until nobody can send any more.
fn drive(mut driver: Driver, heard: &Receiver<Event>) {
    let begun = Instant::now();
    while hear(&mut driver, heard, begun) {}
}

/// Hears one event, or that time has passed; false when nobody can send any more.
pub(crate) fn hear(driver: &mut Driver, heard: &Receiver<Event>, begun: Instant) -> bool {
    let event = match driver.wake_at() {
        None => heard.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(at) => heard.recv_timeout(at.saturating_sub(begun.elapsed())),
    };
    let handled = match event {
        Ok(event) => driver.hear(event, begun.elapsed()),
        Err(RecvTimeoutError::Timeout) => driver.tick(begun.elapsed()),
        Err(RecvTimeoutError::Disconnected) => return false,
    };
    if handled.is_err() {
        // The device takes no output any more: nobody is there.
        driver.hung_up(begun.elapsed());
    }
    true
}

/// Title of a request that a job thread carries out; for its name only.
pub(crate) fn job_name(request: &Request) -> &'static str {
    if request.is_exclusive() {
        "console-change"
    } else {
        "console-look"
    }
}
