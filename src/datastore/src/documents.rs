//! The documents of the store, kept so that after a power cut the old or the new one is there.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sps_datastore_engine::{
    JOURNAL, JOURNAL_FORMAT, Journal, LAST_SERVED, LastServed, SERVED_FORMAT, TREE_FORMAT, TREE_RECORD,
    TreeRecord,
};
use sps_durable::{Document, LoadError, Medium, load, save};

use crate::disk::Folder;
use crate::error::StoreError;
use crate::steps::{Step, Steps};

/// Longest document: a journal has a line for each kind, and notes.
const MOST: usize = 1 << 20;

macro_rules! document {
    ($name:ident, $inner:ty, $file:expr, $format:expr) => {
        #[derive(Serialize, Deserialize)]
        #[serde(transparent)]
        struct $name($inner);

        impl Document for $name {
            const NAME: &'static str = $file;
            const FORMAT: u32 = $format;
            const MOST: usize = MOST;

            fn format(&self) -> u32 {
                self.0.format
            }
        }
    };
}

document!(TreeDocument, TreeRecord, TREE_RECORD, TREE_FORMAT);
document!(JournalDocument, Journal, JOURNAL, JOURNAL_FORMAT);
document!(ServedDocument, LastServed, LAST_SERVED, SERVED_FORMAT);

/// What is kept in a folder of its own name.
pub(crate) trait Kept: Sized {
    fn load(folder: &Folder) -> Result<Option<Self>, StoreError>;
    fn save(&self, folder: &Folder) -> Result<(), StoreError>;
}

/// What a folder keeps.
pub(crate) enum Found<T> {
    Is(T),
    Nothing,
    Damaged,
}

impl<T: Kept> Found<T> {
    /// What is in a folder. A disk that does not give it out is no reason to take the folder for empty or unfinished, and to work over it.
    pub(crate) fn in_folder(folder: &Folder) -> Result<Self, StoreError> {
        match T::load(folder) {
            Ok(Some(document)) => Ok(Self::Is(document)),
            Ok(None) => Ok(Self::Nothing),
            Err(StoreError::Load {
                tree,
                source: LoadError::Read { name, source },
            }) if source.raw_os_error().is_some() => Err(StoreError::read(tree.join(name))(source)),
            Err(_) => Ok(Self::Damaged),
        }
    }

    /// Where a damaged document is like none.
    pub(crate) fn good(self) -> Option<T> {
        match self {
            Self::Is(document) => Some(document),
            Self::Nothing | Self::Damaged => None,
        }
    }
}

macro_rules! kept {
    ($inner:ty, $document:ident) => {
        impl Kept for $inner {
            fn load(folder: &Folder) -> Result<Option<Self>, StoreError> {
                let loaded = load::<$document>(&Watched::new(folder));
                let tree = || folder.path().to_owned();
                let loaded = loaded.map_err(|source| StoreError::Load {
                    tree: tree(),
                    source,
                })?;
                Ok(loaded.map(|document| document.0))
            }

            fn save(&self, folder: &Folder) -> Result<(), StoreError> {
                let tree = || folder.path().to_owned();
                save(&mut Watched::new(folder), &$document(self.clone())).map_err(|source| StoreError::Save {
                    tree: tree(),
                    source,
                })
            }
        }
    };
}

kept!(TreeRecord, TreeDocument);
kept!(Journal, JournalDocument);
kept!(LastServed, ServedDocument);

/// A folder whose changes are steps.
#[derive(Debug)]
struct Watched {
    folder: sps_durable::Folder,
    steps: Steps,
}

impl Watched {
    fn new(folder: &Folder) -> Self {
        Self {
            folder: sps_durable::Folder::new(folder.path()),
            steps: folder.steps().clone(),
        }
    }
}

impl Medium for Watched {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    fn read(&self, name: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        self.folder.read(name, limit)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.folder.list(folder)
    }

    // The folder of a document is there before it.
    fn create_folder(&mut self, folder: &str) -> io::Result<()> {
        debug_assert!(Path::new(&self.folder.path(folder)).is_dir());
        Ok(())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.steps.before(Step::Write)?;
        self.folder.write(name, bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.steps.before(Step::SyncFile)?;
        self.folder.sync(name)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.steps.before(Step::Rename)?;
        self.folder.rename(from, to)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.steps.before(Step::Remove)?;
        self.folder.remove(name)
    }

    fn sync_folder(&mut self, folder: &str) -> io::Result<()> {
        self.steps.before(Step::SyncFolder)?;
        self.folder.sync_folder(folder)
    }
}
