//! A JSON document with a format number, in a file of its own.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::medium::Medium;
use crate::replace::{ReplaceError, replace};

/// A document: all of it is read, and all of it is replaced.
pub trait Document: Serialize + DeserializeOwned {
    /// Name of its file.
    const NAME: &'static str;
    /// The format this code reads and writes.
    const FORMAT: u32;
    /// Longest file that is read, bytes.
    const MOST: usize;

    /// The format it says it has.
    fn format(&self) -> u32;
}

/// Why a document cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Reading it.
    #[error("{name} cannot be read: {source}")]
    Read {
        /// Its file.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It is not what was written.
    #[error("{name} is damaged (line {line})")]
    Damaged {
        /// Its file.
        name: &'static str,
        /// Where.
        line: usize,
    },
    /// It has another format.
    #[error("{name} is of another firmware")]
    Format {
        /// Its file.
        name: &'static str,
    },
}

/// Why a document was not kept.
#[derive(Debug, Error)]
pub enum SaveError {
    /// Writing it out.
    #[error("could not write {name} out")]
    Encode {
        /// Its file.
        name: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A step on disk.
    #[error("could not keep {name}")]
    Replace {
        /// Its file.
        name: &'static str,
        /// Which step, and why.
        source: ReplaceError,
    },
}

/// The document that was kept; none when there is none.
///
/// # Errors
/// It cannot be read, is damaged, or of another format.
pub fn load<D: Document>(medium: &dyn Medium) -> Result<Option<D>, LoadError> {
    let name = D::NAME;
    let bytes = medium
        .read(name, D::MOST)
        .map_err(|source| LoadError::Read { name, source })?;
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let document: D = serde_json::from_slice(&bytes).map_err(|error| LoadError::Damaged {
        name,
        line: error.line(),
    })?;
    if document.format() == D::FORMAT {
        Ok(Some(document))
    } else {
        Err(LoadError::Format { name })
    }
}

/// Keeps a document instead of the one before: after a power cut either is there.
///
/// # Errors
/// A step on disk failed.
pub fn save<D: Document>(medium: &mut dyn Medium, document: &D) -> Result<(), SaveError> {
    let name = D::NAME;
    let bytes = serde_json::to_vec(document).map_err(|source| SaveError::Encode { name, source })?;
    replace(medium, name, &bytes).map_err(|source| SaveError::Replace { name, source })
}
