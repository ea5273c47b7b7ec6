//! Where a support bundle goes.

use serde::{Deserialize, Serialize};

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BundleTarget {
    /// To the asker, as [`crate::Update::Data`].
    Stream,
    /// To a stick with a FAT file system.
    Medium {
        /// The stick, such as `sdb1`; the only one when none is named.
        device: Option<String>,
    },
    /// Nothing is made; the answer says where a browser gets one.
    Download,
}

/// A stick that a bundle can be written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stick {
    /// Device of its file system, such as `sdb1`.
    pub device: String,
    /// Maker and model.
    pub model: String,
    /// Bytes of the whole stick.
    pub bytes: u64,
    /// Why nothing can be written to it.
    pub problem: Option<String>,
}

/// A bundle was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleWritten {
    /// File name.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// Where it is, for people: the stick; empty for a stream.
    pub places: Vec<String>,
    /// What could not be collected, one sentence each.
    pub missing: Vec<String>,
}
