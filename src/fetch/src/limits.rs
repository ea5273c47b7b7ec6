//! Every bound of a transfer, in one place.

use std::time::Duration;

/// Redirects that are followed: mirrors need two or three.
pub(crate) const REDIRECTS: usize = 5;
/// Addresses of a name that are tried.
pub(crate) const ADDRESSES: usize = 4;
/// Longest head of an answer, bytes, and most header fields in it.
pub(crate) const HEAD_BYTES: usize = 64 * 1024;
pub(crate) const HEADER_FIELDS: usize = 100;
/// Longest URL, bytes.
pub(crate) const URL_BYTES: usize = 2048;

/// The bounds a caller may set; tests make them small.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest file, bytes.
    pub bytes: u64,
    /// Time for a name to be resolved, then for a connection, then for TLS.
    pub connect: Duration,
    /// Time until a server answers.
    pub head: Duration,
    /// Longest silence within the file.
    pub silence: Duration,
    /// Time for everything, redirects among it.
    pub whole: Duration,
}

impl Limits {
    /// The appliance's own, for files of so many bytes at most: an hour in all, as for an upload.
    #[must_use]
    pub const fn up_to(bytes: u64) -> Self {
        Self {
            bytes,
            connect: Duration::from_secs(10),
            head: Duration::from_secs(30),
            silence: Duration::from_secs(30),
            whole: Duration::from_secs(3600),
        }
    }
}
