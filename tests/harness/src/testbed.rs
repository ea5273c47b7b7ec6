//! What a test with guests gets: slots, a folder for logs, a folder for its files.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::guest::Guest;
use crate::link::Link;
use crate::machine::Machine;
use crate::slots::Slots;

/// The surroundings of one test.
#[derive(Debug)]
pub struct Testbed {
    name: String,
    logs: PathBuf,
    files: TempDir,
    started: AtomicU8,
    _slots: Slots,
}

impl Testbed {
    /// Runs `story` with up to `guests` guests at once. `name` names the folder of logs,
    /// `target/guest-logs/<name>`: removed when the story ends well (unless `SPS_KEEP_LOGS` is set), kept and
    /// named when it does not.
    ///
    /// # Errors
    /// The story's, with the place of the logs.
    pub fn run(name: &str, guests: usize, story: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        let bed = Self::open(name, guests)?;
        let result = story(&bed);
        if result.is_ok() && env::var_os("SPS_KEEP_LOGS").is_none() {
            fs::remove_dir_all(&bed.logs).with_context(|| format!("remove {}", bed.logs.display()))?;
        }
        result.with_context(|| format!("{name}: logs and screenshots are in {}", bed.logs.display()))
    }

    fn open(name: &str, guests: usize) -> Result<Self> {
        let slots = Slots::take(guests)?;
        let logs = target_folder().join("guest-logs").join(name);
        if logs.exists() {
            fs::remove_dir_all(&logs).with_context(|| format!("remove {}", logs.display()))?;
        }
        fs::create_dir_all(&logs).with_context(|| format!("create {}", logs.display()))?;
        // The system's folder for temporary files: paths of unix sockets end at 107 bytes.
        let files = TempDir::with_prefix("sps-").context("create a folder for the test's files")?;
        Ok(Self {
            name: name.into(),
            logs,
            files,
            started: AtomicU8::new(0),
            _slots: slots,
        })
    }

    /// Starts `machine`; `role` names it in logs and messages.
    ///
    /// # Errors
    /// When QEMU does not start.
    pub fn start(&self, role: &str, machine: Machine) -> Result<Guest> {
        let number = self.started.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let logs = self.logs.join(format!("{number}-{role}"));
        fs::create_dir_all(&logs).with_context(|| format!("create {}", logs.display()))?;
        let vars = self.files.path().join(format!("vars-{number}"));
        Guest::start(role, &machine.number(number), &logs, &vars)
    }

    /// Lays a cable; `name` names its capture among the logs.
    ///
    /// # Errors
    /// When its sockets cannot be made, as for a name used twice.
    pub fn link(&self, name: &str) -> Result<Link> {
        Link::new(name, self.files.path(), &self.logs)
    }

    /// The test's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A folder for the test's files, removed at its end.
    #[must_use]
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// Where the logs of this test go.
    #[must_use]
    pub fn logs(&self) -> &Path {
        &self.logs
    }
}

impl Drop for Testbed {
    /// A story that ended in an assertion returned no error to add the place to.
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "{}: logs and screenshots are in {}",
                self.name,
                self.logs.display()
            );
        }
    }
}

/// The top of the checkout.
pub(crate) fn repository() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own)
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, else `target` of this checkout.
fn target_folder() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}
