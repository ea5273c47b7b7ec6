//! Core files: what is left of programs that crashed. An upgrade leaves them behind, so they can be fetched before.

use serde::{Deserialize, Serialize};

/// A core file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreFile {
    /// By which it is asked for: hexadecimal, made of the tree and the name.
    pub key: String,
    /// Its name.
    pub name: String,
    /// The tree of the data store it lies in.
    pub tree: String,
    /// Bytes.
    pub bytes: u64,
    /// When it was written, seconds since 1970.
    pub time: u64,
}
