//! `boot` and `state`, checked and mounted; the history of boots begins to be kept as soon as there is a place for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sps_boot_history::{KernelWords, LogKeeper};
use sps_bootlog::BootLog;
use sps_image::disk::layout::Part;
use sps_init::phases::PhaseError;
use sps_storage::ext4::{self, Options};
use tracing::{info, warn};

use super::aside::Pulse;
use super::disk::Node;
use crate::backend::Settings;

/// Where the firmware slots are.
pub(crate) const BOOT_FOLDER: &str = "/boot";
/// Where what belongs to this node alone is.
pub(crate) const STATE_FOLDER: &str = "/state";
/// Lines of the boot before that are shown when it failed.
const EXCERPT: usize = 40;
const PSTORE: &str = "/sys/fs/pstore";

/// The mounted file systems and what they told.
pub(crate) struct State {
    /// Keeps this boot's log.
    pub(crate) keeper: Option<LogKeeper>,
    /// The last boot that left a log, and its last lines.
    pub(crate) last: Option<LastLog>,
    /// What the kernel said before it died, if it did.
    pub(crate) kernel: Option<KernelWords>,
}

/// How the log of an earlier boot ended.
pub(crate) struct LastLog {
    /// The slot that was started.
    pub(crate) slot: u8,
    /// The last lines.
    pub(crate) lines: Vec<String>,
}

/// Longest wait for the log's last lines to reach the disk.
const LAST_LINES: Duration = Duration::from_secs(5);

impl State {
    /// Lets go of the file systems, which the exit unmounts.
    pub(crate) fn close(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.close(LAST_LINES);
        }
    }
}

/// The folder of boot logs.
pub(crate) fn logs() -> PathBuf {
    Path::new(STATE_FOLDER).join("logs")
}

/// The log of actions.
pub(crate) fn actions() -> PathBuf {
    Path::new(STATE_FOLDER).join("logs/actions.log")
}

/// Where the web sessions are kept.
pub(crate) fn access() -> PathBuf {
    Path::new(STATE_FOLDER).join("access")
}

/// Where support bundles are kept for a day.
pub(crate) fn bundles() -> PathBuf {
    Path::new(STATE_FOLDER).join("bundles")
}

/// Where the licence is kept.
pub(crate) fn licence() -> PathBuf {
    Path::new(STATE_FOLDER).join("licence")
}

/// Checks and mounts both, and reads the node document.
pub(crate) fn mount(
    node: &Node,
    slot: u8,
    log: &BootLog,
    pulse: &Pulse,
) -> Result<(State, Settings), PhaseError> {
    for (part, target) in [(Part::Boot, BOOT_FOLDER), (Part::State, STATE_FOLDER)] {
        let device = node.own.partition(part);
        ext4::check(&node.helpers, &device)?;
        pulse.beat();
        // For the rest of the appliance's life: the exit unmounts it.
        ext4::mount(&device, Path::new(target), Options::Writable)?.leave();
        pulse.beat();
    }
    let last = last_boot().unwrap_or_else(|problem| {
        warn!("the log of the boot before cannot be read: {problem}");
        None
    });
    let kernel = sps_boot_history::collect(Path::new(PSTORE), &logs());
    let kernel = kernel.unwrap_or_else(|error| {
        warn!(
            "the kernel's last words cannot be kept: {}",
            sps_bootlog::causes(&error)
        );
        None
    });
    if let Some(words) = &kernel {
        info!(
            "the kernel of an earlier boot left {} lines before it died",
            words.lines.len()
        );
    }
    let keeper = LogKeeper::start(log, &logs(), slot);
    let keeper =
        keeper.map_err(|error| warn!("this boot's log is not kept: {}", sps_bootlog::causes(&error)));
    let settings = Settings::open(&Path::new(STATE_FOLDER).join("config"))?;
    let state = State {
        keeper: keeper.ok(),
        last,
        kernel,
    };
    Ok((state, settings))
}

fn last_boot() -> Result<Option<LastLog>, sps_boot_history::HistoryError> {
    let Some(last) = sps_boot_history::logs(&logs())?.pop() else {
        return Ok(None);
    };
    let lines = sps_boot_history::tail(&last.path, EXCERPT)?;
    Ok(Some(LastLog {
        slot: last.slot,
        lines,
    }))
}
