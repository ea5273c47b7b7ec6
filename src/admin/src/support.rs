//! Where a support bundle goes.

use serde::{Deserialize, Serialize};

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BundleTarget {
    /// To the asker, as [`crate::Update::Data`].
    Stream,
    /// To the first writable medium that is plugged in (a stick with a FAT or ext4 file system).
    Medium,
    /// Kept in memory; the answer says where a browser gets it.
    Download,
}

/// A bundle was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleWritten {
    /// File name.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// Where it is: a medium's device and path, or addresses for a browser; empty for a stream.
    pub places: Vec<String>,
    /// What could not be collected, one sentence each.
    pub missing: Vec<String>,
}
