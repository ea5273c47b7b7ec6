//! How many guests run at once on this machine, over all test processes.
//!
//! A slot is a file lock, so it goes back when its holder dies. A test takes all the slots it needs in one go
//! and only one test at a time is gathering, so two tests never wait for each other's.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

/// Guests at once unless `SPS_GUESTS` says otherwise: the build machines have two processors, and a guest
/// under emulation keeps one busy.
const DEFAULT_SLOTS: usize = 2;
/// Longest wait for a turn: more than a whole run of all guest tests takes.
const TURN: Duration = Duration::from_secs(45 * 60);

/// Slots held; dropping gives them back.
#[derive(Debug)]
pub(crate) struct Slots {
    _locks: Vec<File>,
}

impl Slots {
    /// Waits for `count` slots, or all there are when there are fewer.
    pub(crate) fn take(count: usize) -> Result<Self> {
        let user = rustix::process::getuid().as_raw();
        let folder = env::temp_dir().join(format!("sps-guests-{user}"));
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let limit = env::var("SPS_GUESTS")
            .ok()
            .and_then(|n| n.parse().ok())
            .unwrap_or(DEFAULT_SLOTS)
            .max(1);
        take_from(folder, count.min(limit), limit, TURN)
    }
}

fn take_from(folder: PathBuf, count: usize, limit: usize, timeout: Duration) -> Result<Slots> {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(gather(&folder, count, limit)));
    let slots = result
        .recv_timeout(timeout)
        .map_err(|_| anyhow!("no turn for {count} guests within {timeout:?}: do other tests hang?"))?;
    Ok(Slots { _locks: slots? })
}

/// Blocks until `count` of `limit` locks are held. Waiting for "any of these" is a thread a lock: those that
/// come too late find nobody listening and give theirs back.
fn gather(folder: &Path, count: usize, limit: usize) -> Result<Vec<File>> {
    let _turn = lock(&folder.join("turn"))?;
    let (won, slots) = mpsc::channel();
    for number in 0..limit {
        let (path, won) = (folder.join(format!("slot-{number}")), won.clone());
        thread::spawn(move || won.send(lock(&path)));
    }
    drop(won);
    slots.into_iter().take(count).collect()
}

fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
    file.lock().with_context(|| format!("lock {}", path.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let take = |count, wait| take_from(folder.path().to_owned(), count, 2, Duration::from_millis(wait));
        let long = 60_000;
        let first = take(1, long).unwrap();
        let second = take(1, long).unwrap();
        assert!(take(1, 50).is_err());
        drop(first);
        let third = take(1, long).unwrap();
        drop((second, third));
        assert!(take(2, long).is_ok());
    }
}
