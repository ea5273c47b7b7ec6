//! Every bound of a bundle, in one place.

use std::time::Duration;

/// How large and how slow a bundle may become.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one file; of a longer one the end is taken, where the news stands.
    pub file: usize,
    /// Files of one folder; of more those with the highest numbers are taken.
    pub files: usize,
    /// Bytes of all files together, before compression.
    pub all: usize,
    /// Time for one file or fact. A disk that answers at all answers within it.
    pub each: Duration,
    /// Time for all of them.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A boot log is at most 4 MiB.
            file: 4 * 1024 * 1024,
            files: 64,
            // What fits into memory on the smallest machine together with its compressed copy.
            all: 48 * 1024 * 1024,
            each: Duration::from_secs(5),
            total: Duration::from_secs(60),
        }
    }
}
