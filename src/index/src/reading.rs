//! Reading a file: any range of it, of which only the blocks that hold it are decrypted.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use tantivy::HasLen;
use tantivy::directory::{FileHandle, OwnedBytes};

use crate::cipher::{BLOCK, Cipher, HEAD, KEY, STORED, TAG};
use crate::disk::Source;

/// A file that was opened.
#[derive(Debug)]
pub(crate) struct EncryptedFile {
    source: Arc<dyn Source>,
    cipher: Cipher,
    /// Bytes of its content.
    length: usize,
    /// How many blocks it has, at least one.
    blocks: u64,
}

fn short() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a file of the index is cut")
}

impl EncryptedFile {
    /// Opens it and looks at its last block: a file that is cut is found here.
    pub(crate) fn open(source: Arc<dyn Source>, key: &[u8; KEY], name: &str) -> io::Result<Self> {
        let stored = source.length().checked_sub(HEAD as u64).ok_or_else(short)?;
        let mut head = [0; HEAD];
        source.read(0, &mut head)?;
        let blocks = stored.div_ceil(STORED as u64).max(1);
        let tags = blocks * TAG as u64;
        let length = stored.checked_sub(tags).ok_or_else(short)?;
        let file = Self {
            cipher: Cipher::of(key, name, &head)?,
            source,
            length: usize::try_from(length).map_err(|_| short())?,
            blocks,
        };
        file.block(blocks - 1, &mut Vec::new(), |_| ())?;
        Ok(file)
    }

    /// Decrypts block `number` and shows its content.
    fn block(&self, number: u64, stored: &mut Vec<u8>, show: impl FnOnce(&[u8])) -> io::Result<()> {
        let is_last = number + 1 == self.blocks;
        let begin = number * STORED as u64;
        let end = (begin + STORED as u64).min(self.source.length() - HEAD as u64);
        // At most a block: it fits.
        stored.resize((end - begin) as usize, 0);
        self.source.read(HEAD as u64 + begin, stored)?;
        show(self.cipher.open(number, is_last, stored)?);
        Ok(())
    }

    /// The content of a range.
    pub(crate) fn read(&self, range: Range<usize>) -> io::Result<Vec<u8>> {
        if range.end > self.length || range.start > range.end {
            return Err(short());
        }
        let mut out = Vec::with_capacity(range.len());
        let mut stored = Vec::with_capacity(STORED);
        let mut at = range.start;
        while at < range.end {
            let number = at / BLOCK;
            let inside = at % BLOCK..(range.end - number * BLOCK).min(BLOCK);
            let before = out.len();
            self.block(number as u64, &mut stored, |content| {
                out.extend_from_slice(content.get(inside.clone()).unwrap_or_default());
            })?;
            if out.len() - before != inside.len() {
                return Err(short());
            }
            at += inside.len();
        }
        Ok(out)
    }

    /// All of it.
    pub(crate) fn all(&self) -> io::Result<Vec<u8>> {
        self.read(0..self.length)
    }
}

impl HasLen for EncryptedFile {
    fn len(&self) -> usize {
        self.length
    }
}

impl FileHandle for EncryptedFile {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        self.read(range).map(OwnedBytes::new)
    }
}
