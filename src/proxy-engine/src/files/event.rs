//! What was done to a file, as it is told.

use crate::channels::Operation;

/// Something that was done to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEvent {
    /// What.
    pub done: Done,
    /// Its path, as the client named it; of a change of the name both.
    pub path: String,
    /// Bytes, if any were read or written.
    pub bytes: Option<u64>,
    /// `ok`, or why not.
    pub result: String,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Read.
    Read,
    /// Written.
    Write,
    /// A folder was listed.
    List,
    /// Removed.
    Delete,
    /// Renamed, made, its attributes set.
    Change,
}

impl Done {
    /// What a policy must allow for it.
    #[must_use]
    pub const fn needs(self) -> &'static [Operation] {
        match self {
            Self::Read => &[Operation::Read],
            Self::Write | Self::Change => &[Operation::Write],
            Self::List => &[Operation::List],
            Self::Delete => &[Operation::Delete],
        }
    }
}
