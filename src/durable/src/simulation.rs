//! A folder in memory whose power fails after a given step.
//!
//! What was not synced may survive or not: content of a file is what was synced, or half or all of what was written
//! since; names follow in the order of the steps up to some point, as a journal keeps them, and a sync of any
//! folder makes all of them durable.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::medium::Medium;

/// Content of a file, by number.
type Inode = usize;
type Names = BTreeMap<String, Option<Inode>>;

#[derive(Clone, Debug, Default)]
struct State {
    content: Vec<Content>,
    names: Names,
    /// States of the names since the last sync, oldest first; the first is durable.
    journal: Vec<Names>,
    steps_left: Option<usize>,
    steps: usize,
}

#[derive(Clone, Debug, Default)]
struct Content {
    synced: Vec<u8>,
    written: Vec<u8>,
}

/// Handle; clones share one disk.
#[derive(Clone, Debug, Default)]
pub struct CrashDisk {
    state: Arc<Mutex<State>>,
}

/// What survives of content that was not synced.
#[derive(Clone, Copy, Debug)]
pub enum Unsynced {
    /// Nothing of it.
    Lost,
    /// The first half.
    Half,
    /// All of it.
    Kept,
}

impl CrashDisk {
    /// The power fails before step `steps` from now.
    pub fn fail_after(&self, steps: usize) {
        self.lock().steps_left = Some(steps);
    }

    /// Steps made so far.
    pub fn steps(&self) -> usize {
        self.lock().steps
    }

    /// States of the names that may survive a power cut now.
    pub fn journal_length(&self) -> usize {
        self.lock().journal.len()
    }

    /// An independent copy of the disk as it is now.
    pub fn copy(&self) -> Self {
        let state = self.lock().clone();
        Self {
            state: Arc::new(Mutex::new(State {
                steps_left: None,
                steps: 0,
                ..state
            })),
        }
    }

    /// The disk after a power cut: with the names as after `names` steps since the last sync.
    pub fn after_cut(&self, names: usize, unsynced: Unsynced) -> Self {
        let old = self.lock();
        let content: Vec<Content> = old
            .content
            .iter()
            .map(|content| survive(content, unsynced))
            .collect();
        let names = old
            .journal
            .get(names)
            .cloned()
            .unwrap_or_else(|| old.names.clone());
        let journal = vec![names.clone()];
        let state = State {
            content,
            names,
            journal,
            steps_left: None,
            steps: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step<T>(&self, act: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.lock();
        if state.steps_left == Some(0) {
            return Err(io::Error::other("the power is gone"));
        }
        state.steps_left = state.steps_left.map(|left| left - 1);
        state.steps += 1;
        if state.journal.is_empty() {
            let names = state.names.clone();
            state.journal.push(names);
        }
        let result = act(&mut state)?;
        if state.journal.last() != Some(&state.names) {
            let names = state.names.clone();
            state.journal.push(names);
        }
        Ok(result)
    }
}

fn survive(content: &Content, unsynced: Unsynced) -> Content {
    let bytes = match unsynced {
        Unsynced::Lost => content.synced.clone(),
        Unsynced::Kept => content.written.clone(),
        Unsynced::Half if content.synced == content.written => content.written.clone(),
        Unsynced::Half => content.written[..content.written.len() / 2].to_vec(),
    };
    Content {
        synced: bytes.clone(),
        written: bytes,
    }
}

fn not_found() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl Medium for CrashDisk {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("/disk").join(name)
    }

    fn read(&self, name: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let state = self.lock();
        let Some(Some(inode)) = state.names.get(name) else {
            return Ok(None);
        };
        let bytes = &state.content[*inode].written;
        Ok(Some(bytes[..bytes.len().min(limit)].to_vec()))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let state = self.lock();
        let inside = state
            .names
            .keys()
            .filter_map(|name| match folder {
                "" => Some(name.as_str()),
                folder => name.strip_prefix(folder)?.strip_prefix('/'),
            })
            .filter(|name| !name.is_empty());
        Ok(inside.map(ToOwned::to_owned).collect())
    }

    fn create_folder(&mut self, folder: &str) -> io::Result<()> {
        self.step(|state| {
            state.names.insert(folder.to_owned(), None);
            Ok(())
        })
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step(|state| {
            state.content.push(Content {
                synced: Vec::new(),
                written: bytes.to_vec(),
            });
            let inode = state.content.len() - 1;
            state.names.insert(name.to_owned(), Some(inode));
            Ok(())
        })
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.step(|state| {
            let inode = state.names.get(name).copied().flatten().ok_or_else(not_found)?;
            let content = &mut state.content[inode];
            content.synced.clone_from(&content.written);
            Ok(())
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.step(|state| {
            let inode = state.names.remove(from).ok_or_else(not_found)?;
            state.names.insert(to.to_owned(), inode);
            Ok(())
        })
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.step(|state| state.names.remove(name).map(drop).ok_or_else(not_found))
    }

    fn sync_folder(&mut self, _folder: &str) -> io::Result<()> {
        self.step(|state| {
            state.journal = vec![state.names.clone()];
            Ok(())
        })
    }
}
