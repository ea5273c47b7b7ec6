//! The log of actions: who did what, when, from where, why, and how it ended.
//!
//! Every action stands in the boot log. Where a file is given it is appended there too, one JSON line each, synced. The
//! file has a thread of its own: a disk that hangs holds up nobody, and an action that could not be written to it is
//! a warning, not a refusal: a full disk must not keep an administrator from mending it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
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
    file: Option<SyncSender<Line>>,
}

impl ActionLog {
    /// Actions stand in the boot log only.
    #[must_use]
    pub fn without_file() -> Self {
        Self { file: None }
    }

    /// Appends to the file at `path` too.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, ActionLogError> {
        let failed = |source| ActionLogError::Open {
            path: path.to_owned(),
            source,
        };
        let file = Rotated {
            path: path.to_owned(),
        };
        drop(file.open().map_err(failed)?);
        let (sender, lines) = sync_channel(WAITING);
        thread::Builder::new()
            .name("actions".into())
            .spawn(move || write_all(&file, &lines))
            .map_err(ActionLogError::Thread)?;
        Ok(Self { file: Some(sender) })
    }

    /// Writes `action` down; returns when it is on disk, or after two seconds.
    pub async fn record(&self, action: &Action) {
        let why = if action.message.is_empty() {
            String::new()
        } else {
            format!(" ({})", action.message)
        };
        info!("{}: {}{why}: {}", action.origin, action.what, action.outcome);
        let (Some(file), Ok(mut text)) = (&self.file, serde_json::to_string(action)) else {
            return;
        };
        text.push('\n');
        let (written, done) = oneshot::channel();
        let in_time = file.try_send(Line { text, written }).is_ok()
            && matches!(tokio::time::timeout(WRITTEN_WITHIN, done).await, Ok(Ok(())));
        if !in_time {
            warn!("the last action is not in the log of actions on disk");
        }
    }
}

fn write_all(file: &Rotated, lines: &Receiver<Line>) {
    for line in lines {
        match file.append(&line.text) {
            Ok(()) => {
                let _nobody_waits_any_more = line.written.send(());
            }
            Err(error) => warn!("could not write {}: {error}", file.path.display()),
        }
    }
}

/// Open only while a line is appended: a file that is open for writing keeps its file system from being left in order.
struct Rotated {
    path: PathBuf,
}

impl Rotated {
    fn open(&self) -> io::Result<File> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
    }

    fn append(&self, line: &str) -> io::Result<()> {
        let mut file = self.open()?;
        if file.metadata()?.len() >= FILE_BYTES {
            let mut aside = self.path.clone().into_os_string();
            aside.push(".1");
            fs::rename(&self.path, aside)?;
            file = self.open()?;
        }
        file.write_all(line.as_bytes())?;
        file.sync_data()
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
    }

    #[tokio::test]
    async fn the_file_is_not_held_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("actions.log");
        let log = ActionLog::open(&path).unwrap();
        log.record(&action("seal")).await;
        let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let mut open = open.filter_map(|fd| fs::read_link(fd.path()).ok());
        assert!(open.all(|file| file != path));
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
