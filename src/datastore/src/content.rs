//! What only other rooms know: the forms of documents and databases in each layout.

use std::error::Error;
use std::path::Path;

use sps_session_record::SessionRecord;

/// Why a document or database was not understood.
pub type ContentError = Box<dyn Error + Send + Sync>;

/// A document in the form of a later layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// It.
    pub document: Vec<u8>,
    /// What people should know of the change.
    pub notes: Vec<String>,
}

/// The forms of documents and databases; whoever wires the store gives it.
pub trait Content: Send + Sync {
    /// Brings the configuration from the form of layout `from` to that of layout `to`.
    ///
    /// # Errors
    /// It is not of the form it should be, or has no equal in the new one.
    fn migrate(&self, document: &[u8], from: u32, to: u32) -> Result<Migrated, ContentError>;

    /// Brings the copy of the session database in `folder` from the form of layout `from` to that of layout `to`; notes for
    /// people. May be stopped at any moment: then the copy is made anew.
    ///
    /// # Errors
    /// It cannot be read or written.
    fn adapt(&self, folder: &Path, from: u32, to: u32) -> Result<Vec<String>, ContentError>;

    /// Opens the sessions that lie in `folder`, the place of the session database in a tree of layout `layout`.
    ///
    /// # Errors
    /// They cannot be read.
    fn catalogue(&self, folder: &Path, layout: u32) -> Result<Box<dyn Catalogue>, ContentError>;
}

/// The sessions a tree knows.
pub trait Catalogue {
    /// Whether it knows one.
    ///
    /// # Errors
    /// It cannot be read.
    fn has(&self, id: &str) -> Result<bool, ContentError>;

    /// One session, when it knows it.
    ///
    /// # Errors
    /// It cannot be read.
    fn get(&self, id: &str) -> Result<Option<SessionRecord>, ContentError>;

    /// Adds a session; when this returns, it survives a power cut. One that is there already stays as it is.
    ///
    /// # Errors
    /// It cannot be written.
    fn insert(&mut self, record: &SessionRecord) -> Result<(), ContentError>;

    /// The newest sessions, the last begun first.
    ///
    /// # Errors
    /// They cannot be read.
    fn newest(&self, limit: usize) -> Result<Vec<SessionRecord>, ContentError>;

    /// How many there are.
    ///
    /// # Errors
    /// They cannot be counted.
    fn count(&self) -> Result<u64, ContentError>;
}
