//! What can go wrong.

use sps_index::IndexError;
use sps_sessions::SessionsError;
use thiserror::Error;

/// Why nothing more can be indexed for now.
#[derive(Debug, Error)]
pub enum IndexerError {
    /// The index does not take it.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// No trail can be read now.
    #[error("audit trails cannot be read for the index now: {0}")]
    Reader(String),
    /// The session database does not answer.
    #[error("the session database does not say what is to be indexed")]
    Sessions(#[from] SessionsError),
}
