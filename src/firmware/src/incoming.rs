//! A firmware file that arrives piece by piece, over the web or SFTP.
//!
//! It lies on `boot` as a file without a name (`O_TMPFILE`, open(2)): whatever interrupts it, a power cut among them, nothing of
//! it is left. It is hashed as it arrives and nothing of it is kept in memory.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use sha2::{Digest, Sha256};
use sps_image::hex::Sha256Digest;
use sps_image::manifest::MAX_IMAGE;
use sps_image::source::Source;

use crate::error::FirmwareError;
use crate::firmware::Firmware;
use crate::folder::Folder;

/// Room on `boot` that an arriving file leaves: records of failed firmware and the folders of the slots.
const LEFT_FREE: u64 = 8 * 1024 * 1024;

/// A file that arrives.
#[derive(Debug)]
pub struct Incoming {
    file: File,
    hasher: Sha256,
    size: u64,
    /// Bytes it may have.
    room: u64,
}

/// A file that has arrived; nothing of it was verified but that it is all there.
#[derive(Debug)]
pub struct Received {
    file: File,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of all of it.
    pub sha256: Sha256Digest,
}

impl Firmware {
    /// Makes room for a file that will arrive, with the size that was announced for it.
    ///
    /// # Errors
    /// When it is larger than a firmware can be or than there is room for, or no file can be made.
    pub fn receive(&self, announced: Option<u64>) -> Result<Incoming, FirmwareError> {
        Incoming::new(&self.slots, announced)
    }
}

impl Incoming {
    fn new(folder: &Folder, announced: Option<u64>) -> Result<Self, FirmwareError> {
        if let Some(size) = announced.filter(|size| *size > MAX_IMAGE) {
            return Err(FirmwareError::TooLarge { size });
        }
        let failed = |source| FirmwareError::Write {
            file: "the arriving firmware".into(),
            source,
        };
        let free = folder.free().map_err(failed)?.saturating_sub(LEFT_FREE);
        if let Some(needed) = announced.filter(|size| *size > free) {
            return Err(FirmwareError::NoRoom { needed, free });
        }
        Ok(Self {
            file: folder.unnamed().map_err(failed)?,
            hasher: Sha256::new(),
            size: 0,
            room: free.min(MAX_IMAGE),
        })
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// When there is no room for it, or it cannot be written.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), FirmwareError> {
        let size = self.size + piece.len() as u64;
        if size > MAX_IMAGE {
            return Err(FirmwareError::TooLarge { size });
        }
        let no_room = FirmwareError::NoRoom {
            needed: size,
            free: self.room,
        };
        if size > self.room {
            return Err(no_room);
        }
        self.hasher.update(piece);
        match self.file.write_all(piece) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Err(no_room),
            Err(source) => {
                let file = "the arriving firmware".into();
                return Err(FirmwareError::Write { file, source });
            }
        }
        self.size = size;
        Ok(())
    }

    /// Bytes that have arrived.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// It is all there.
    #[must_use]
    pub fn finish(self) -> Received {
        Received {
            file: self.file,
            size: self.size,
            sha256: Sha256Digest::new(self.hasher.finalize().into()),
        }
    }
}

impl Source for Received {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Steps;

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::top(place.path(), Steps::default()).unwrap();
        (place, folder)
    }

    #[test]
    fn what_arrives_is_hashed_and_read_and_has_no_name() {
        let (place, folder) = folder();
        let mut incoming = Incoming::new(&folder, Some(11)).unwrap();
        for piece in [&b"hello "[..], b"world"] {
            incoming.write(piece).unwrap();
        }
        let received = incoming.finish();
        assert_eq!(
            received.sha256.to_string(),
            "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
        );
        let mut read = [0; 5];
        received.read_at(6, &mut read).unwrap();
        assert_eq!((&read, received.size()), (b"world", 11));
        assert!(received.read_at(7, &mut read).is_err());
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_fit_is_refused_before_and_while_it_arrives() {
        let (_place, folder) = folder();
        let huge = Incoming::new(&folder, Some(10_000_000_000)).unwrap_err();
        assert!(huge.to_string().contains("10000000000"), "{huge}");
        let mut incoming = Incoming::new(&folder, None).unwrap();
        incoming.room = 10;
        incoming.write(b"12345678").unwrap();
        let error = incoming.write(b"90x").unwrap_err();
        assert!(
            matches!(error, FirmwareError::NoRoom { needed: 11, free: 10 }),
            "{error}"
        );
        assert_eq!(incoming.size(), 8);
    }
}
