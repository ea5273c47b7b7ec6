//! Whoever keeps the trails: what archiving asks of the session database and the data store.

use std::fs::File;
use std::path::PathBuf;

use crate::error::KeeperError;

/// A trail that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// The session.
    pub id: String,
    /// Its name among the trails, and on the shelf.
    pub name: String,
    /// Bytes that it has as the session's record says.
    pub size: u64,
}

/// Some trails that are due, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trails {
    /// They.
    pub due: Vec<Trail>,
    /// Where to go on; none when there is nothing more.
    pub next: Option<i64>,
}

/// What became of a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The session.
    pub id: String,
    /// Name of the policy.
    pub policy: String,
    /// Where it is; none when its time is over.
    pub target: Option<String>,
    /// Its name there.
    pub object: String,
    /// When, seconds since 1970.
    pub at: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Keeps trails. Every method does its work durably before it returns, and may be called again with the same.
pub trait Keeper {
    /// Trails that are due, from where an earlier look ended.
    ///
    /// # Errors
    /// They cannot be read.
    fn due(&mut self, from: Option<i64>) -> Result<Trails, KeeperError>;

    /// Opens the local file of a trail; none when it is not there.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&mut self, trail: &Trail) -> Result<Option<(File, PathBuf)>, KeeperError>;

    /// The record of a session as a document, which is stored beside its trail.
    ///
    /// # Errors
    /// It cannot be read.
    fn record(&mut self, id: &str) -> Result<Vec<u8>, KeeperError>;

    /// Notes what becomes of a trail.
    ///
    /// # Errors
    /// It cannot be written.
    fn note(&mut self, note: Note) -> Result<(), KeeperError>;

    /// Removes the local file of a trail that was noted, wherever it has a name.
    ///
    /// # Errors
    /// It cannot be removed.
    fn remove(&mut self, id: &str, name: &str) -> Result<(), KeeperError>;

    /// Sessions and names of trails that were noted and may still be there.
    ///
    /// # Errors
    /// They cannot be read.
    fn still_here(&mut self) -> Result<Vec<(String, String)>, KeeperError>;

    /// Notes that local files are gone.
    ///
    /// # Errors
    /// It cannot be written.
    fn gone(&mut self, ids: Vec<String>) -> Result<(), KeeperError>;
}
