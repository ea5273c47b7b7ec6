//! What a tree holds, counted.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::layout::Kind;

/// What lies in a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Files, and whatever else is no folder.
    pub files: u64,
    /// Folders.
    pub folders: u64,
    /// Bytes of the files; of places that are linked they are not looked at, and 0.
    pub bytes: u64,
    /// Bytes of all names.
    pub names: u64,
}

impl AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.folders += other.folders;
        self.bytes += other.bytes;
        self.names += other.names;
    }
}

/// A tree, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Number of its layout.
    pub layout: u32,
    /// What there is of each kind; what is missing is not there.
    pub kinds: BTreeMap<Kind, Counted>,
}

impl Facts {
    /// What there is of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Counted {
        self.kinds.get(&kind).copied().unwrap_or_default()
    }

    /// Files in all.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.kinds.values().map(|counted| counted.files).sum()
    }
}
