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

/// A bundle that the appliance keeps for a day, for whoever asked for it to fetch it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptBundle {
    /// By which it is asked for: when it was begun, seconds since 1970.
    pub key: u64,
    /// File name.
    pub name: String,
    /// Bytes; 0 until it is finished.
    pub bytes: u64,
    /// Where it stands.
    pub state: KeptState,
}

/// Where a bundle stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeptState {
    /// It is being made.
    InProgress,
    /// It can be fetched.
    Finished,
    /// There will be none; why.
    Failed(String),
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
