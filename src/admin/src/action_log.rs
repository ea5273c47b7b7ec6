//! The log of actions: who did what, when, from where, why, and how it ended.
//!
//! Every action stands in the boot log. Where a file is given it is appended there too, one JSON line each, synced. The
//! file has a thread of its own: a disk that hangs holds up nobody, and an action that could not be written to it is
//! a warning, not a refusal: a full disk must not keep an administrator from mending it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::oneshot;
use tracing::{info, warn};

/// Size after which the file is put aside and a new one begun; one is kept. Thousands of actions.
const FILE_BYTES: u64 = 1024 * 1024;
/// Actions that may wait for the disk.
const WAITING: usize = 64;
/// How long an action waits to be on disk before it goes on without.
const WRITTEN_WITHIN: Duration = Duration::from_secs(2);

/// Outcome of an action that has only begun.
pub(crate) const BEGUN: &str = "begun";
/// Most bytes of the file that are looked at for the latest actions.
const RECENT_BYTES: u64 = 512 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Wall clock, seconds since 1970.
    pub time: u64,
    /// From where.
    pub origin: String,
    /// What.
    pub what: String,
    /// Why, in the asker's words; may be empty.
    pub message: String,
    /// `begun`, `done`, or why not.
    pub outcome: String,
}

/// Why there is no file.
#[derive(Debug, Error)]
pub enum ActionLogError {
    /// Opening the file.
    #[error("could not open the log of actions {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Starting the thread.
    #[error("could not start the thread of the log of actions")]
    Thread(#[source] io::Error),
}

struct Line {
    text: String,
    written: oneshot::Sender<()>,
}

/// Handle to the log of actions.
#[derive(Debug)]
pub struct ActionLog {
    file: Mutex<Option<Writer>>,
}

/// The thread that has the file.
#[derive(Debug)]
struct Writer {
    lines: SyncSender<Line>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

impl ActionLog {
    /// Actions stand in the boot log only.
    #[must_use]
    pub fn without_file() -> Self {
        Self {
            file: Mutex::default(),
        }
    }

    /// Appends to the file at `path` too.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, ActionLogError> {
        let file = Rotated::open(path).map_err(|source| ActionLogError::Open {
            path: path.to_owned(),
            source,
        })?;
        let (sender, lines) = sync_channel(WAITING);
        let (at_end, ended) = sync_channel(0);
        let work = move || {
            let _closed_last = at_end;
            write_all(file, &lines);
        };
        thread::Builder::new()
            .name("actions".into())
            .spawn(work)
            .map_err(ActionLogError::Thread)?;
        Ok(Self {
            file: Mutex::new(Some(Writer { lines: sender, ended })),
        })
    }

    /// Lets go of the file, after what waits has been written or `limit` has passed. Later actions stand in the boot log only.
    pub fn close(&self, limit: Duration) {
        let writer = self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Writer { lines, ended }) = writer {
            drop(lines);
            let _ended_or_too_slow = ended.recv_timeout(limit);
        }
    }

    fn lines(&self) -> Option<SyncSender<Line>> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.as_ref().map(|writer| writer.lines.clone())
    }

    /// Writes `action` down; returns when it is on disk, or after two seconds.
    pub async fn record(&self, action: &Action) {
        let why = if action.message.is_empty() {
            String::new()
        } else {
            format!(" ({})", action.message)
        };
        info!("{}: {}{why}: {}", action.origin, action.what, action.outcome);
        let (Some(file), Ok(mut text)) = (self.lines(), serde_json::to_string(action)) else {
            return;
        };
        text.push('\n');
        let (written, done) = oneshot::channel();
        let sent = file.try_send(Line { text, written }).is_ok();
        drop(file);
        let in_time = sent && matches!(tokio::time::timeout(WRITTEN_WITHIN, done).await, Ok(Ok(())));
        if !in_time {
            warn!("the last action is not in the log of actions on disk");
        }
    }
}

fn write_all(mut file: Rotated, lines: &Receiver<Line>) {
    for line in lines {
        match file.append(&line.text) {
            Ok(()) => {
                let _nobody_waits_any_more = line.written.send(());
            }
            Err(error) => warn!("could not write {}: {error}", file.path.display()),
        }
    }
}

/// The last actions in the file at `path`, oldest first, at most `most`. What is no action is left out; none when there is
/// no file. Blocking.
///
/// # Errors
/// The file cannot be read.
pub fn recent_actions(path: &Path, most: usize) -> io::Result<Vec<Action>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let from = file.metadata()?.len().saturating_sub(RECENT_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(RECENT_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut actions: Vec<Action> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    actions.drain(..actions.len().saturating_sub(most));
    Ok(actions)
}

struct Rotated {
    path: PathBuf,
    file: File,
}

impl Rotated {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        if self.file.metadata()?.len() >= FILE_BYTES {
            let mut aside = self.path.clone().into_os_string();
            aside.push(".1");
            fs::rename(&self.path, aside)?;
            *self = Self::open(&self.path)?;
        }
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(what: &str) -> Action {
        Action {
            time: 7,
            origin: "console tty1".into(),
            what: what.into(),
            message: "two\nlines".into(),
            outcome: "done".into(),
        }
    }

    #[tokio::test]
    async fn actions_are_appended_one_line_each() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("actions.log");
        for what in ["reboot", "seal"] {
            ActionLog::open(&path).unwrap().record(&action(what)).await;
        }
        let text = fs::read_to_string(&path).unwrap();
        let read: Vec<Action> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read, [action("reboot"), action("seal")]);
        assert_eq!(recent_actions(&path, 9).unwrap(), read);
        assert_eq!(recent_actions(&path, 1).unwrap(), [action("seal")]);
        assert_eq!(recent_actions(&folder.path().join("none"), 1).unwrap(), []);
    }

    #[tokio::test]
    async fn a_closed_log_holds_no_file_and_has_what_was_said_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("actions.log");
        let log = ActionLog::open(&path).unwrap();
        log.record(&action("shutdown")).await;
        log.close(Duration::from_secs(20));
        let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let links = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        assert!(links.into_iter().all(|link| link != path), "the file is open");
        log.record(&action("too late")).await;
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    }

    #[tokio::test]
    async fn the_file_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("actions.log");
        fs::write(&path, vec![b'x'; usize::try_from(FILE_BYTES).unwrap()]).unwrap();
        ActionLog::open(&path).unwrap().record(&action("seal")).await;
        assert!(fs::metadata(&path).unwrap().len() < 1000);
        assert_eq!(
            fs::metadata(folder.path().join("actions.log.1")).unwrap().len(),
            FILE_BYTES
        );
    }

    #[tokio::test]
    async fn a_disk_that_takes_nothing_stops_nobody() {
        let log = ActionLog::open(Path::new("/dev/full")).unwrap();
        log.record(&action("reboot")).await;
        assert!(ActionLog::open(Path::new("/nonexistent/actions.log")).is_err());
    }
}
