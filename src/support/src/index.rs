//! The bundle's own list: what is in it, and what is not and why.

use serde::{Deserialize, Serialize};

/// What is in a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Wall clock when it was begun, seconds since 1970.
    pub time: u64,
    /// Host name.
    pub host: String,
    /// Build of the running firmware.
    pub build: String,
    /// Everything that was asked for.
    pub entries: Vec<Entry>,
}

/// One file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name in the bundle.
    pub name: String,
    /// Bytes in the bundle.
    pub bytes: u64,
    /// Bytes left out at its beginning.
    pub cut: u64,
    /// Secrets that were taken out.
    pub scrubbed: u64,
    /// Why it is not in the bundle.
    pub missing: Option<String>,
}

impl Index {
    /// What could not be collected, one sentence each.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let missing = |entry: &Entry| Some(format!("{}: {}", entry.name, entry.missing.as_ref()?));
        self.entries.iter().filter_map(missing).collect()
    }
}
