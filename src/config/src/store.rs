//! The document on disk, with its history.
//!
//! ```text
//! node.json               the revision in force
//! history/00000007.json   every revision, the one in force among them
//! ```
//!
//! A change is first written to the history, then `node.json` is replaced: written beside, synced, renamed, the folder
//! synced. The rename is the commit point. A revision in the history above the one in force was never in
//! force; the next change replaces it. Reading changes nothing on disk.

use std::path::{Path, PathBuf};

use sps_durable::{Folder, Medium};

use crate::difference;
use crate::node::Node;
use crate::record::{Change, MOST_BYTES, Record, RecordError};

mod error;
#[cfg(test)]
mod tests;

pub use error::StoreError;

const CURRENT: &str = "node.json";
const CURRENT_NEW: &str = "node.json.new";
/// A damaged `node.json`, kept for whoever wants to know.
const DAMAGED: &str = "node.json.damaged";
const HISTORY: &str = "history";
/// Revisions that are kept. At a few KiB each they take a hundredth of `state`, and a thousand changes of a
/// node's own settings are years.
pub const HISTORY_KEPT: usize = 1000;

/// The configuration of this node.
#[derive(Debug)]
pub struct Store {
    medium: Box<dyn Medium>,
    current: Record,
    /// The file in force cannot be read: it is kept beside at the next change.
    damaged: bool,
}

/// What was found when the store was opened.
#[derive(Debug)]
pub enum Found {
    /// The document in force.
    Good,
    /// Nothing: an appliance that nobody has set up.
    Nothing,
    /// `node.json` is missing or damaged; the newest good revision of the history is used.
    Restored {
        /// Why `node.json` is not used.
        reason: String,
        /// The revision used.
        revision: u64,
    },
    /// Neither `node.json` nor a revision of the history can be used; the default document is.
    Lost {
        /// Why `node.json` is not used.
        reason: String,
    },
}

impl Store {
    /// Opens the folder, which need not exist, and reads the document in force; says what it found.
    ///
    /// # Errors
    /// The folder cannot be read, or a later version wrote it: then nothing is used and nothing is touched.
    pub fn open(folder: &Path) -> Result<(Self, Found), StoreError> {
        Self::on(Box::new(Folder::new(folder)))
    }

    fn on(medium: Box<dyn Medium>) -> Result<(Self, Found), StoreError> {
        let (current, found) = load(medium.as_ref())?;
        let damaged = matches!(found, Found::Restored { .. } | Found::Lost { .. });
        let store = Self {
            medium,
            current,
            damaged,
        };
        Ok((store, found))
    }

    /// The document in force.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.current.node
    }

    /// Its revision; 0 when nobody has changed anything yet.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.current.revision
    }

    /// Makes `node` the document in force and returns its revision. A document equal to the one in force changes
    /// nothing. `what` of the change is filled in.
    ///
    /// # Errors
    /// Somebody else changed it since revision `expected` was read, the document does not pass its checks, or a step on
    /// disk failed. After a failed step the store holds what is on disk then.
    pub fn commit(&mut self, expected: u64, node: Node, mut change: Change) -> Result<u64, StoreError> {
        if expected != self.current.revision {
            return Err(StoreError::Conflict {
                expected,
                current: self.current.revision,
                who: self.current.change.who.clone(),
            });
        }
        node.check()?;
        if node == self.current.node && !self.damaged {
            return Ok(self.current.revision);
        }
        change.what = difference::changed(&self.current.node, &node);
        let written = self.write(node, change);
        if written.is_err()
            && let Ok((record, _)) = load(self.medium.as_ref())
        {
            self.current = record;
        }
        written
    }

    fn write(&mut self, node: Node, change: Change) -> Result<u64, StoreError> {
        self.create(HISTORY)?;
        let newest = numbers(self.medium.as_ref())?.last().copied().unwrap_or(0);
        // A revision that was never in force is replaced, but never one that may be the good one.
        let last = if self.damaged {
            newest.max(self.current.revision)
        } else {
            self.current.revision
        };
        let record = Record::new(last + 1, change, node).map_err(StoreError::Encode)?;
        let bytes = record.to_json().map_err(StoreError::Encode)?;
        if bytes.len() > MOST_BYTES {
            return Err(StoreError::Encode(RecordError::TooLarge));
        }
        self.keep_damaged()?;
        let file = history_file(record.revision);
        self.replace(&format!("{file}.new"), &file, HISTORY, &bytes)?;
        self.replace(CURRENT_NEW, CURRENT, "", &bytes)?;
        self.damaged = false;
        self.current = record;
        self.forget_old();
        Ok(self.current.revision)
    }

    fn keep_damaged(&mut self) -> Result<(), StoreError> {
        if !self.damaged {
            return Ok(());
        }
        match read(self.medium.as_ref(), CURRENT)? {
            Some(bytes) => self.replace("node.json.damaged.new", DAMAGED, "", &bytes),
            None => Ok(()),
        }
    }

    fn create(&mut self, folder: &str) -> Result<(), StoreError> {
        let path = self.medium.path(folder);
        self.medium
            .create_folder(folder)
            .map_err(|source| StoreError::CreateFolder { path, source })?;
        self.sync_folder("")
    }

    /// Write beside, sync, rename, sync the folder.
    fn replace(&mut self, beside: &str, name: &str, folder: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.medium.path(beside);
        self.medium
            .write(beside, bytes)
            .map_err(|source| StoreError::Write {
                path: path.clone(),
                source,
            })?;
        self.medium.sync(beside).map_err(|source| StoreError::Sync {
            path: path.clone(),
            source,
        })?;
        self.medium
            .rename(beside, name)
            .map_err(|source| StoreError::Rename { path, source })?;
        self.sync_folder(folder)
    }

    fn sync_folder(&mut self, folder: &str) -> Result<(), StoreError> {
        let path = self.medium.path(folder);
        self.medium
            .sync_folder(folder)
            .map_err(|source| StoreError::SyncFolder { path, source })
    }

    /// Removes what is over the bound. That it stays when removing fails does no harm.
    fn forget_old(&mut self) {
        let numbers = numbers(self.medium.as_ref()).unwrap_or_default();
        let over = numbers.len().saturating_sub(HISTORY_KEPT);
        for number in &numbers[..over] {
            let _tried_again_next_time = self.medium.remove(&history_file(*number));
        }
    }

    /// Changes that are kept, newest first; files that cannot be read are left out.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn history(&self) -> Result<Vec<(u64, Change)>, StoreError> {
        let numbers = numbers(self.medium.as_ref())?;
        let in_force = numbers
            .iter()
            .rev()
            .filter(|number| **number <= self.current.revision);
        Ok(in_force
            .filter_map(|number| Some((*number, revision(self.medium.as_ref(), *number).ok()?.change)))
            .collect())
    }

    /// The document of revision `number`.
    ///
    /// # Errors
    /// It is not kept any more, or its file is damaged.
    pub fn at_revision(&self, number: u64) -> Result<Node, StoreError> {
        revision(self.medium.as_ref(), number).map(|record| record.node)
    }
}

fn history_file(number: u64) -> String {
    format!("{HISTORY}/{number:08}.json")
}

/// Numbers of the revisions in the history, ascending.
fn numbers(medium: &dyn Medium) -> Result<Vec<u64>, StoreError> {
    let names = medium.list(HISTORY).map_err(|source| StoreError::List {
        path: medium.path(HISTORY),
        source,
    })?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| name.strip_suffix(".json")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn read(medium: &dyn Medium, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    medium
        .read(name, MOST_BYTES + 1)
        .map_err(|source| StoreError::Read {
            path: medium.path(name),
            source,
        })
}

fn revision(medium: &dyn Medium, number: u64) -> Result<Record, StoreError> {
    let name = history_file(number);
    let path = medium.path(&name);
    let bytes = read(medium, &name)?.ok_or(StoreError::NoRevision { number })?;
    Record::from_json(&bytes).map_err(|reason| StoreError::Damaged { path, reason })
}

/// The revision in force, or the newest good one.
fn load(medium: &dyn Medium) -> Result<(Record, Found), StoreError> {
    let path = medium.path(CURRENT);
    let reason = match read(medium, CURRENT)?.map(|bytes| Record::from_json(&bytes)) {
        Some(Ok(record)) => return Ok((record, Found::Good)),
        Some(Err(RecordError::Newer { found })) => return Err(newer(path, found)),
        Some(Err(damage)) => format!("{}: {damage}", path.display()),
        None => format!("{} is missing", path.display()),
    };
    let numbers = numbers(medium)?;
    if numbers.is_empty() && read(medium, CURRENT)?.is_none() {
        return Ok((untouched()?, Found::Nothing));
    }
    for number in numbers.into_iter().rev() {
        match revision(medium, number) {
            Ok(record) => {
                return Ok((
                    record,
                    Found::Restored {
                        reason,
                        revision: number,
                    },
                ));
            }
            Err(StoreError::Damaged {
                path,
                reason: RecordError::Newer { found },
            }) => {
                return Err(newer(path, found));
            }
            Err(_) => {}
        }
    }
    Ok((untouched()?, Found::Lost { reason }))
}

fn newer(path: PathBuf, found: u32) -> StoreError {
    StoreError::Newer { path, found }
}

fn untouched() -> Result<Record, StoreError> {
    Record::new(0, Change::default(), Node::default()).map_err(StoreError::Encode)
}
