//! Firmware files that arrive piece by piece: by a browser, the API, SFTP.

use crate::failure::Failure;

/// A file that is arriving. Dropped before its end, nothing of it is left. Its methods write to a disk: they block.
pub trait Parcel: Send {
    /// Takes the next piece.
    ///
    /// # Errors
    /// There is no room for it, or it cannot be written.
    fn write(&mut self, piece: &[u8]) -> Result<(), Failure>;

    /// It is all there: `FirmwareAdd` of `FirmwareSource::Received` takes it.
    ///
    /// # Errors
    /// It cannot be kept.
    fn finish(self: Box<Self>) -> Result<Arrived, Failure>;
}

/// What has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of all of it, hexadecimal.
    pub sha256: String,
}
