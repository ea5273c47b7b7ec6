//! Writing a file from its beginning, a block at a time.

use std::io::{self, Write};

use tantivy::directory::{AntiCallToken, TerminatingWrite};

use crate::cipher::{BLOCK, Cipher, KEY, STORED};
use crate::disk::{Disk, Sink};

/// A file that is written.
pub(crate) struct EncryptedWriter {
    sink: Box<dyn Sink>,
    cipher: Cipher,
    /// At most a block; what comes after it shows that it is not the last.
    pending: Vec<u8>,
    number: u64,
}

impl EncryptedWriter {
    pub(crate) fn create(disk: &dyn Disk, key: &[u8; KEY], name: &str, as_name: &str) -> io::Result<Self> {
        let (cipher, head) = Cipher::make(key, as_name)?;
        let mut sink = disk.create(name)?;
        sink.append(&head)?;
        Ok(Self {
            sink,
            cipher,
            pending: Vec::with_capacity(STORED),
            number: 0,
        })
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        self.cipher.seal(self.number, is_last, &mut self.pending)?;
        self.sink.append(&self.pending)?;
        self.pending.clear();
        self.number += 1;
        Ok(())
    }

    /// Writes what is pending and makes all of it durable.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.seal(true)?;
        self.sink.sync()
    }
}

impl Write for EncryptedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pending.len() == BLOCK && !bytes.is_empty() {
            self.seal(false)?;
        }
        let fits = bytes.len().min(BLOCK - self.pending.len());
        self.pending.extend_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TerminatingWrite for EncryptedWriter {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.finish()
    }
}
