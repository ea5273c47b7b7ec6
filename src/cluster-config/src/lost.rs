//! Secrets that cannot be opened.

use std::fmt;

/// A secret that cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostSecret {
    /// Its path, as a JSON pointer (RFC 6901); an object of a list is told by its name, `=name`.
    pub path: String,
    /// Why.
    pub reason: LossReason,
}

/// Why a secret cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
    /// There is no cluster key.
    NoKey,
    /// It was encrypted with another key.
    OtherKey,
    /// It was changed, or moved here from elsewhere.
    Changed,
    /// It was left out of the export from which the configuration comes.
    LeftOut,
}

impl fmt::Display for LostSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.reason {
            LossReason::NoKey => "the cluster key is missing",
            LossReason::OtherKey => "it was encrypted with another cluster key",
            LossReason::Changed => "it was changed or moved",
            LossReason::LeftOut => "it was left out of the export",
        };
        let path = &self.path;
        write!(
            f,
            "{path}: the secret cannot be used, {why}; enter it again, or import a backup with its password"
        )
    }
}
