//! A store, the firmware that used it, and the one that will.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sps_datastore::{Content, Prepared, Steps, Store, StoreError};
use sps_datastore_engine::{Kind, LATEST, layout};
use sps_sample_store::{Recipe, TrailSize, make};
use sps_store_forms::Forms;
use tempfile::TempDir;

use crate::account::{Account, account, taken_over};

/// Digest of the firmware that used the store.
pub const OLD: &str = "0101010101010101010101010101010101010101010101010101010101010101";
/// Digest of the firmware that will.
pub const NEW: &str = "0202020202020202020202020202020202020202020202020202020202020202";
/// When everything happens.
pub const NOW: u64 = 1_800_000_000;

/// A folder in memory: what is killed there loses nothing that was written, and syncs cost nothing.
///
/// # Errors
/// It cannot be made.
pub fn scratch() -> Result<TempDir> {
    tempfile::tempdir_in("/dev/shm").context("make a folder in memory")
}

/// A store with everything in it once, and odd names.
///
/// # Errors
/// It cannot be made.
pub fn store(root: &Path, from: u32, sessions: u64) -> Result<PathBuf> {
    store_of(root, from, sessions, 11)
}

/// The same of another seed.
///
/// # Errors
/// It cannot be made.
pub fn store_of(root: &Path, from: u32, sessions: u64, seed: u64) -> Result<PathBuf> {
    let recipe = Recipe {
        layout: from,
        sessions,
        seed,
        trails: TrailSize::Fixed(300),
        damaged: true,
        firmware: OLD.into(),
    };
    Ok(make(root, &recipe, |_| {})?.tree)
}

/// What a firmware finds when it starts.
///
/// # Errors
/// It cannot have its tree.
pub fn start(root: &Path, firmware: &str, layout: u32, steps: &Steps) -> Result<Prepared, StoreError> {
    start_at(root, firmware, layout, steps, NOW)
}

/// The same while the clock says `now`.
///
/// # Errors
/// It cannot have its tree.
pub fn start_at(
    root: &Path,
    firmware: &str,
    layout: u32,
    steps: &Steps,
    now: u64,
) -> Result<Prepared, StoreError> {
    Store::open(root, firmware, layout, steps)?.prepare(&Forms, now, &mut |_| true)
}

/// A store before an upgrade, to which everything later is compared.
pub struct Before {
    root: PathBuf,
    tree: PathBuf,
    from: u32,
    account: Account,
    sessions: u64,
}

impl Before {
    /// Remembers the store in `root`, whose tree is `tree`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn new(root: &Path, tree: &Path, from: u32) -> Result<Self> {
        let old = layout(from).context("a layout")?;
        Ok(Self {
            root: root.into(),
            tree: tree.into(),
            from,
            account: account(tree, old)?,
            sessions: sessions(tree, from)?,
        })
    }

    /// The old tree is as it was, byte for byte.
    ///
    /// # Errors
    /// It is not.
    pub fn old_is_untouched(&self) -> Result<()> {
        let old = layout(self.from).context("a layout")?;
        ensure!(
            account(&self.tree, old)? == self.account,
            "the old tree has changed"
        );
        Ok(())
    }

    /// And its firmware finds it. From then on the new firmware would begin with what this one left.
    ///
    /// # Errors
    /// It does not.
    pub fn old_is_whole(&self) -> Result<()> {
        self.old_is_untouched()?;
        let found = start(&self.root, OLD, self.from, &Steps::default())?;
        ensure!(
            found.path == self.tree,
            "the old firmware finds {}",
            found.path.display()
        );
        Ok(())
    }

    /// The new tree has everything, and its firmware finds it without making anything.
    ///
    /// # Errors
    /// It has not.
    pub fn new_is_whole(&self, new: &Prepared) -> Result<()> {
        let (old, now) = (
            layout(self.from).context("a layout")?,
            layout(new.tree.layout).context("a layout")?,
        );
        taken_over(&self.account, old, &account(&new.path, now)?, now)?;
        let count = sessions(&new.path, new.tree.layout)?;
        ensure!(
            count == self.sessions,
            "{count} sessions instead of {}",
            self.sessions
        );
        let again = start(&self.root, NEW, new.tree.layout, &Steps::default())?;
        ensure!(again.path == new.path && again.made.is_none(), "it was made anew");
        Ok(())
    }
}

/// Sessions a tree knows.
///
/// # Errors
/// They cannot be read.
pub fn sessions(tree: &Path, number: u32) -> Result<u64> {
    let place = layout(number)
        .and_then(|layout| layout.place(Kind::SessionDatabase))
        .context("a place")?;
    let folder = tree.join(place.path);
    let catalogue = Forms.catalogue(&folder, number);
    catalogue
        .and_then(|catalogue| catalogue.count())
        .map_err(anyhow::Error::from_boxed)
}

/// The layout everything ends in.
pub const LAST: u32 = LATEST;
