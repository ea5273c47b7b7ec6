//! The document on disk, with its history, in one folder.
//!
//! ```text
//! cluster.json             the revision in force
//! revision-00000007.json   every revision, the one in force among them
//! ```
//!
//! A change is first written to the history, then `cluster.json` is replaced. The rename is the commit point. A revision in the history
//! above the one in force was never in force; the next change replaces it. Reading changes nothing on disk.

use std::path::Path;

use sps_config::Change;
use sps_durable::{Folder, Medium, replace};

use crate::cipher;
use crate::cluster::Cluster;
use crate::difference;
use crate::key::ClusterKey;
use crate::lost::LostSecret;
use crate::record::{MOST_BYTES, Opened, Record, RecordError, hex};
use crate::seal;

mod error;
#[cfg(test)]
mod tests;

pub use error::StoreError;

const CURRENT: &str = "cluster.json";
/// A damaged `cluster.json`, kept for whoever wants to know.
const DAMAGED: &str = "cluster.json.damaged";
const PREFIX: &str = "revision-";
const SUFFIX: &str = ".json";
/// Revisions that are kept. At some hundred kilobytes each they take fifty megabytes of `data`, and five hundred changes are a year of
/// two a working day.
pub const HISTORY_KEPT: usize = 500;
/// Bytes of a document's identifier.
const ID_BYTES: usize = 16;

/// The configuration of the cluster.
#[derive(Debug)]
pub struct Store {
    medium: Box<dyn Medium>,
    key: Option<ClusterKey>,
    current: Current,
    /// The file in force cannot be read: it is kept beside at the next change.
    damaged: bool,
}

/// What is in force.
#[derive(Debug)]
struct Current {
    revision: u64,
    /// Identifier of the document; empty until it is first written.
    id: String,
    change: Change,
    opened: Opened,
}

/// What was found when the store was opened.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// The document in force.
    Good,
    /// Nothing: a cluster that nobody has set up.
    Nothing,
    /// `cluster.json` is missing or damaged; the newest good revision of the history is used.
    Restored {
        /// Why `cluster.json` is not used.
        reason: String,
        /// The revision used.
        revision: u64,
    },
    /// Neither `cluster.json` nor a revision of the history can be used; the default document is.
    Lost {
        /// Why `cluster.json` is not used.
        reason: String,
    },
}

/// A revision that was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// How it came about.
    pub change: Change,
    /// The document.
    pub document: Cluster,
    /// Its secrets that cannot be opened.
    pub lost: Vec<LostSecret>,
}

impl Store {
    /// Opens the folder, which need not exist, and reads the document in force; says what it found. Without the right key secrets are
    /// lost ([`Store::lost`]), and everything else is there.
    ///
    /// # Errors
    /// The folder cannot be read, or another version wrote it: then nothing is used and nothing is touched.
    pub fn open(folder: &Path, key: Option<ClusterKey>) -> Result<(Self, Found), StoreError> {
        Self::on(Box::new(Folder::new(folder)), key)
    }

    /// The same on any medium.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn on(medium: Box<dyn Medium>, key: Option<ClusterKey>) -> Result<(Self, Found), StoreError> {
        let (current, found) = load(medium.as_ref(), key.as_ref())?;
        let damaged = matches!(found, Found::Restored { .. } | Found::Lost { .. });
        let store = Self {
            medium,
            key,
            current,
            damaged,
        };
        Ok((store, found))
    }

    /// The document in force.
    #[must_use]
    pub const fn document(&self) -> &Cluster {
        &self.current.opened.document
    }

    /// Its revision; 0 when nobody has changed anything yet.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.current.revision
    }

    /// The key that encrypts its secrets; none when it is not on this node.
    #[must_use]
    pub const fn key(&self) -> Option<&ClusterKey> {
        self.key.as_ref()
    }

    /// Its secrets that cannot be opened.
    #[must_use]
    pub fn lost(&self) -> &[LostSecret] {
        &self.current.opened.lost
    }

    /// Whether revision `expected` is the one in force.
    ///
    /// # Errors
    /// Somebody else changed it since.
    pub fn expect(&self, expected: u64) -> Result<(), StoreError> {
        if expected == self.current.revision {
            return Ok(());
        }
        Err(StoreError::Conflict {
            expected,
            current: self.current.revision,
            who: self.current.change.who.clone(),
        })
    }

    /// Makes `document` the one in force and returns its revision. A document equal to the one in force changes nothing. `what` of the
    /// change is filled in. Secrets that are lost stay as they are.
    ///
    /// # Errors
    /// Somebody else changed it since revision `expected` was read, the document does not pass its checks, there is no key for a
    /// secret, or a step on disk failed. After a failed step the store holds what is on disk then.
    pub fn commit(
        &mut self,
        expected: u64,
        document: &Cluster,
        mut change: Change,
    ) -> Result<u64, StoreError> {
        self.expect(expected)?;
        document.check()?;
        if document == self.document() && !self.damaged {
            return Ok(self.current.revision);
        }
        change.what = changed(self.document(), document)?;
        let written = self.write(document, change);
        if written.is_err()
            && let Ok((current, _)) = load(self.medium.as_ref(), self.key.as_ref())
        {
            self.current = current;
        }
        written
    }

    fn write(&mut self, document: &Cluster, change: Change) -> Result<u64, StoreError> {
        let newest = numbers(self.medium.as_ref())?.last().copied().unwrap_or(0);
        // A revision that was never in force is replaced, but never one that may be the good one.
        let last = if self.damaged {
            newest.max(self.current.revision)
        } else {
            self.current.revision
        };
        let id = self.id()?;
        let record =
            Record::new((last + 1, &id), change, document, self.key.as_ref()).map_err(StoreError::Encode)?;
        let bytes = record.to_json().map_err(StoreError::Encode)?;
        let opened = record.open(self.key.as_ref()).map_err(StoreError::Encode)?;
        self.keep_damaged()?;
        replace(self.medium.as_mut(), &history_file(record.revision), &bytes)?;
        replace(self.medium.as_mut(), CURRENT, &bytes)?;
        self.damaged = false;
        self.current = Current {
            revision: record.revision,
            id: record.id,
            change: record.change,
            opened,
        };
        self.forget_old();
        Ok(self.current.revision)
    }

    /// The document's identifier; a new one for a document that was never written.
    fn id(&self) -> Result<String, StoreError> {
        if !self.current.id.is_empty() {
            return Ok(self.current.id.clone());
        }
        let bytes: [u8; ID_BYTES] = cipher::random().map_err(StoreError::Identify)?;
        Ok(hex(&bytes))
    }

    fn keep_damaged(&mut self) -> Result<(), StoreError> {
        if !self.damaged {
            return Ok(());
        }
        match read(self.medium.as_ref(), CURRENT)? {
            Some(bytes) => Ok(replace(self.medium.as_mut(), DAMAGED, &bytes)?),
            None => Ok(()),
        }
    }

    /// Removes what is over the bound. That it stays when removing fails does no harm.
    fn forget_old(&mut self) {
        let numbers = numbers(self.medium.as_ref()).unwrap_or_default();
        let over = numbers.len().saturating_sub(HISTORY_KEPT);
        for number in &numbers[..over] {
            let _tried_again_next_time = self.medium.remove(&history_file(*number));
        }
    }

    /// Changes that are kept, newest first, at most `most`; files that cannot be read are left out.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn history(&self, most: usize) -> Result<Vec<(u64, Change)>, StoreError> {
        let numbers = numbers(self.medium.as_ref())?;
        let in_force = numbers
            .iter()
            .rev()
            .filter(|number| **number <= self.current.revision);
        Ok(in_force
            .filter_map(|number| Some((*number, revision(self.medium.as_ref(), *number).ok()?.change)))
            .take(most)
            .collect())
    }

    /// Revision `number` as it was.
    ///
    /// # Errors
    /// It is not kept any more, or its file is damaged.
    pub fn at_revision(&self, number: u64) -> Result<Revision, StoreError> {
        let record = revision(self.medium.as_ref(), number)?;
        let Opened { document, lost } = opened(self.medium.as_ref(), number, &record, self.key.as_ref())?;
        Ok(Revision {
            change: record.change,
            document,
            lost,
        })
    }
}

/// Paths of the values that differ.
fn changed(old: &Cluster, new: &Cluster) -> Result<Vec<String>, StoreError> {
    let written = |document: &Cluster| {
        serde_json::to_value(document).map_err(|error| StoreError::Encode(RecordError::Encode(error)))
    };
    let (mut old, mut new) = (written(old)?, written(new)?);
    let paths = difference::changed(&old, &new);
    seal::wipe(&mut old);
    seal::wipe(&mut new);
    Ok(paths)
}

fn history_file(number: u64) -> String {
    format!("{PREFIX}{number:08}{SUFFIX}")
}

/// Numbers of the revisions in the history, ascending.
fn numbers(medium: &dyn Medium) -> Result<Vec<u64>, StoreError> {
    let names = medium.list("").map_err(|source| StoreError::List {
        path: medium.path(""),
        source,
    })?;
    let number = |name: &String| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok();
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
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
    let bytes = read(medium, &name)?.ok_or(StoreError::NoRevision { number })?;
    Record::from_json(&bytes).map_err(|reason| StoreError::Damaged {
        path: medium.path(&name),
        reason,
    })
}

fn opened(
    medium: &dyn Medium,
    number: u64,
    record: &Record,
    key: Option<&ClusterKey>,
) -> Result<Opened, StoreError> {
    record.open(key).map_err(|reason| StoreError::Damaged {
        path: medium.path(&history_file(number)),
        reason,
    })
}

/// A revision and its document, both good.
fn whole(record: Result<Record, RecordError>, key: Option<&ClusterKey>) -> Result<Current, RecordError> {
    let record = record?;
    let opened = record.open(key)?;
    Ok(Current {
        revision: record.revision,
        id: record.id,
        change: record.change,
        opened,
    })
}

/// The revision in force, or the newest good one.
fn load(medium: &dyn Medium, key: Option<&ClusterKey>) -> Result<(Current, Found), StoreError> {
    let path = medium.path(CURRENT);
    let bytes = read(medium, CURRENT)?;
    let reason = match bytes.as_ref().map(|bytes| whole(Record::from_json(bytes), key)) {
        Some(Ok(current)) => return Ok((current, Found::Good)),
        Some(Err(reason @ (RecordError::Newer { .. } | RecordError::Older { .. }))) => {
            return Err(StoreError::OtherLayout { path, reason });
        }
        Some(Err(damage)) => format!("{}: {damage}", path.display()),
        None => format!("{} is missing", path.display()),
    };
    let numbers = numbers(medium)?;
    if numbers.is_empty() && bytes.is_none() {
        return Ok((untouched(), Found::Nothing));
    }
    for number in numbers.into_iter().rev() {
        let path = medium.path(&history_file(number));
        let Some(bytes) = read(medium, &history_file(number))? else {
            continue;
        };
        match whole(Record::from_json(&bytes), key) {
            Ok(current) => {
                let revision = number;
                return Ok((current, Found::Restored { reason, revision }));
            }
            Err(reason @ (RecordError::Newer { .. } | RecordError::Older { .. })) => {
                return Err(StoreError::OtherLayout { path, reason });
            }
            Err(_) => {}
        }
    }
    Ok((untouched(), Found::Lost { reason }))
}

fn untouched() -> Current {
    Current {
        revision: 0,
        id: String::new(),
        change: Change::default(),
        opened: Opened {
            document: Cluster::default(),
            lost: Vec::new(),
        },
    }
}
