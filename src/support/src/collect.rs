//! Collects one source within its time limit.
//!
//! Reading happens on a thread of its own. When a disk hangs the thread is left behind; it ends with the disk's answer.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sps_config::{Node, Record};

use crate::files::{self, Content};
use crate::limits::Limits;
use crate::source::From;
use crate::{disks, kernel_log};

/// What one file of the bundle will be.
pub(crate) type Collected = Result<Content, String>;

/// Runs `read` on a thread and waits up to `limit`.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    read: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let (done, finished) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("support".into())
        .spawn(move || {
            let _nobody_waits_any_more = done.send(read());
        })
        .map_err(|error| format!("could not start a thread: {error}"))?;
    match finished.recv_timeout(limit) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(format!("not answered within {:.1} s", limit.as_secs_f64()))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("asking for it failed".into()),
    }
}

/// One source as the single files it stands for.
pub(crate) fn expand(name: String, from: From, limits: &Limits) -> Result<Vec<(String, From)>, String> {
    let (path, file): (PathBuf, fn(PathBuf) -> From) = match from {
        From::Folder(path) => (path, From::File),
        From::ConfigurationFolder(path) => (path, From::Configuration),
        single => return Ok(vec![(name, single)]),
    };
    let (most, folder) = (limits.files, path.clone());
    let names = within(limits.each, move || files::names(&folder, most))?;
    let inner = names
        .into_iter()
        .map(|inner| (format!("{name}/{inner}"), file(path.join(inner))));
    Ok(inner.collect())
}

/// The content of a single file.
pub(crate) fn collect(from: From, limits: &Limits, left: Duration) -> Collected {
    let limit = limits.file;
    within(limits.each.min(left), move || match from {
        From::Fact(tell) => tell().map(|bytes| end_of(bytes, limit)),
        From::File(path) => files::read(&path, limit),
        From::Configuration(path) => configuration(&path),
        From::KernelLog(path) => kernel_log::read(&path, limit),
        From::Disks(path) => disks::list(&path),
        From::Folder(_) | From::ConfigurationFolder(_) => Err("a folder within a folder".into()),
    })
}

fn end_of(mut bytes: Vec<u8>, limit: usize) -> Content {
    let cut = bytes.len().saturating_sub(limit);
    bytes.drain(..cut);
    Content {
        bytes,
        cut: u64::try_from(cut).unwrap_or(u64::MAX),
    }
}

fn configuration(path: &Path) -> Collected {
    let redacted = record(path)?.redacted();
    let bytes = redacted.to_json().map_err(|error| error.to_string())?;
    Ok(bytes.into())
}

/// Node document of a revision's file.
pub(crate) fn node(path: &Path) -> Result<Node, String> {
    record(path).map(|record| record.node)
}

fn record(path: &Path) -> Result<Record, String> {
    let content = files::read(path, sps_config::RECORD_BYTES + 1)?;
    Record::from_json(&content.bytes)
        .map_err(|error| format!("left out, because what is not understood cannot be redacted: {error}"))
}
