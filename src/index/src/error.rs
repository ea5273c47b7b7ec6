//! What can go wrong.

use std::io;

use thiserror::Error;

/// Why the index could not do something.
#[derive(Debug, Error)]
pub enum IndexError {
    /// The key cannot be used.
    #[error("could not make the keys of the index")]
    Key,
    /// The index could not be opened.
    #[error(
        "could not open the index of the sessions' content; when it is damaged it is rebuilt after its folder {folder} is removed"
    )]
    Open {
        /// Where it is.
        folder: String,
        /// Why.
        #[source]
        source: tantivy::TantivyError,
    },
    /// Its state could not be read or written.
    #[error("could not {what} the state of the index")]
    State {
        /// What was tried.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Moments could not be added.
    #[error("could not add to the index")]
    Add(#[source] tantivy::TantivyError),
    /// A commit failed: everything since the last one is to be added again.
    #[error("could not write the index")]
    Commit(#[source] tantivy::TantivyError),
    /// A search failed.
    #[error("could not read the index")]
    Search(#[source] tantivy::TantivyError),
}
