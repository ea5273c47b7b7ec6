//! A tree that comes from a backup: built beside what there is, then pointed to.
//!
//! Until its record is written it is unfinished, and nobody uses it: a power cut leaves something that the next restore and the clean-up
//! remove. The tree there was stays until clean-up finds that nobody needs it.

use std::path::PathBuf;

use sps_datastore_engine::{LastServed, Refusal, SERVED_FORMAT, TREE_FORMAT, TreeName, TreeRecord, layout};

use crate::clean::remove_below;
use crate::disk::Folder;
use crate::documents::Kept;
use crate::error::StoreError;
use crate::store::make_places;

/// A tree that is being filled from a backup.
#[derive(Debug)]
pub struct Restoring<'s> {
    root: &'s Folder,
    tree: TreeName,
    firmware: &'s str,
}

impl<'s> Restoring<'s> {
    /// Makes an empty folder for the tree; what an earlier try left goes.
    pub(crate) fn begin(root: &'s Folder, firmware: &'s str, tree: TreeName) -> Result<Self, StoreError> {
        layout(tree.layout).ok_or(Refusal::Unknown { own: tree.layout })?;
        remove_below(root, tree.to_string().as_bytes(), &mut || true)?;
        root.folder_made(tree.to_string().as_bytes())?;
        root.sync()?;
        Ok(Self { root, tree, firmware })
    }

    /// Its name.
    #[must_use]
    pub const fn tree(&self) -> TreeName {
        self.tree
    }

    /// Where files go.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.root.path_of(self.tree.to_string().as_bytes())
    }

    /// Everything is there: makes it permanent, and points to it. The next start works on it.
    ///
    /// # Errors
    /// A step on disk failed: before the last one the tree there was is used, after it this one.
    pub fn finish(self, now: u64) -> Result<PathBuf, StoreError> {
        let folder = self.root.folder_made(self.tree.to_string().as_bytes())?;
        if let Some(layout) = layout(self.tree.layout) {
            make_places(&folder, layout)?;
        }
        folder.sync_all()?;
        let record = TreeRecord {
            format: TREE_FORMAT,
            tree: self.tree,
            made_from: None,
            made_by: self.firmware.to_owned(),
            at: now,
        };
        record.save(&folder)?;
        self.root.sync()?;
        let served = LastServed {
            format: SERVED_FORMAT,
            tree: self.tree,
            firmware: self.firmware.to_owned(),
            at: now,
        };
        // The commit point: what was worked on last decides, and the next start points to it.
        served.save(self.root)?;
        self.root.sync()?;
        Ok(self.path())
    }

    /// Removes what was begun.
    ///
    /// # Errors
    /// A step on disk failed.
    pub fn discard(self) -> Result<(), StoreError> {
        remove_below(self.root, self.tree.to_string().as_bytes(), &mut || true)?;
        self.root.sync()
    }
}
