//! Bytes of a disk or partition of which only a small part was ever written.
//!
//! Invariants: memory is taken for what was written, in chunks of [`CHUNK`] bytes, never for the whole; what was
//! not written reads as zeros. Written zeros are kept as written: who copies the chunks to a disk with old content
//! on it overwrites that too.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::write::Device;
use crate::hex::Sha256Digest;
use crate::source::Source;

/// Bytes of a chunk: a cluster of qcow2 and a grain of VMDK, so that no format has to join or split any.
pub const CHUNK: usize = 64 * 1024;

/// The bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sparse {
    size: u64,
    chunks: BTreeMap<u64, Vec<u8>>,
}

impl Sparse {
    /// Nothing written, `size` bytes long.
    #[must_use]
    pub const fn new(size: u64) -> Self {
        Self {
            size,
            chunks: BTreeMap::new(),
        }
    }

    /// The chunks that were written to, in order, with the offset of each; the last may be shorter than
    /// [`CHUNK`] where the whole ends.
    pub fn chunks(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.chunks.iter().map(|(index, chunk)| {
            let offset = index * CHUNK as u64;
            let length = usize::try_from(self.size - offset).map_or(CHUNK, |rest| rest.min(CHUNK));
            (offset, &chunk[..length])
        })
    }

    /// The chunks that are not all zero, in order, with their numbers; each has [`CHUNK`] bytes, with zeros behind
    /// the end of the whole.
    pub fn filled(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let chunks = self
            .chunks
            .iter()
            .map(|(index, chunk)| (*index, chunk.as_slice()));
        chunks.filter(|(_, chunk)| !is_zero(chunk))
    }

    /// A digest of what is on it, far sooner than one of all its bytes.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256Digest {
        let mut seen = self.size.to_le_bytes().to_vec();
        for (number, chunk) in self.filled() {
            seen.extend(number.to_le_bytes());
            seen.extend(Sha256Digest::of(chunk).as_bytes());
        }
        Sha256Digest::of(&seen)
    }

    /// Bytes of memory taken.
    #[must_use]
    pub fn written(&self) -> usize {
        self.chunks.len() * CHUNK
    }

    /// Writes what another has at `offset` of this one.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn place(&mut self, offset: u64, other: &Self) -> io::Result<()> {
        for (at, chunk) in other.chunks() {
            self.write_at(offset.saturating_add(at), chunk)?;
        }
        Ok(())
    }

    /// A view with a position, for libraries that want files.
    pub const fn cursor(&mut self) -> Cursor<'_> {
        Cursor {
            sparse: self,
            position: 0,
        }
    }

    fn check(&self, offset: u64, length: usize) -> io::Result<()> {
        let end = offset.checked_add(length as u64);
        if end.is_some_and(|end| end <= self.size) {
            return Ok(());
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Whether there are only zeros; compared in pieces, which is a matter of the C library and not of this loop.
#[must_use]
pub fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    bytes
        .chunks(ZEROS.len())
        .all(|piece| *piece == ZEROS[..piece.len()])
}

/// Cuts `offset..offset + length` at the chunks: chunk, offset in it, range of the caller's bytes.
fn pieces(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        // The remainder of a division by a usize is one.
        let within = (at % CHUNK as u64) as usize;
        let take = (CHUNK - within).min(length - done);
        let range = done..done + take;
        done += take;
        (take > 0).then_some((at / CHUNK as u64, within, range))
    })
}

impl Device for Sparse {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.check(offset, bytes.len())?;
        for (index, within, range) in pieces(offset, bytes.len()) {
            let chunk = self.chunks.entry(index).or_insert_with(|| vec![0; CHUNK]);
            chunk[within..within + range.len()].copy_from_slice(&bytes[range]);
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Sparse {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.check(offset, buffer.len())?;
        for (index, within, range) in pieces(offset, buffer.len()) {
            let part = &mut buffer[range];
            match self.chunks.get(&index) {
                Some(chunk) => part.copy_from_slice(&chunk[within..within + part.len()]),
                None => part.fill(0),
            }
        }
        Ok(())
    }
}

/// A [`Sparse`] with a position.
#[derive(Debug)]
pub struct Cursor<'a> {
    sparse: &'a mut Sparse,
    position: u64,
}

impl Cursor<'_> {
    /// How many of `wanted` bytes there are from here.
    fn available(&self, wanted: usize) -> usize {
        let rest = self.sparse.size.saturating_sub(self.position);
        usize::try_from(rest).map_or(wanted, |rest| rest.min(wanted))
    }
}

impl Read for Cursor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.available(buffer.len());
        self.sparse.read_at(self.position, &mut buffer[..length])?;
        self.position += length as u64;
        Ok(length)
    }
}

impl Write for Cursor<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.available(bytes.len());
        self.sparse.write_at(self.position, &bytes[..length])?;
        self.position += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Cursor<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.sparse.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_the_rest_is_zero() {
        let size = 3 * CHUNK as u64 + 100;
        let mut sparse = Sparse::new(size);
        let bytes: Vec<u8> = (0..CHUNK + 200).map(|n| (n % 251) as u8 + 1).collect();
        let offset = CHUNK as u64 - 100;
        sparse.write_at(offset, &bytes).unwrap();
        let mut read = vec![9; size as usize];
        sparse.read_at(0, &mut read).unwrap();
        let mut expected = vec![0; size as usize];
        expected[offset as usize..offset as usize + bytes.len()].copy_from_slice(&bytes);
        assert!(read == expected);
        assert_eq!(sparse.written(), 3 * CHUNK);
    }

    #[test]
    fn written_zeros_stay_and_the_last_chunk_is_as_long_as_the_whole() {
        let mut sparse = Sparse::new(CHUNK as u64 + 10);
        sparse.write_at(CHUNK as u64, &[0; 10]).unwrap();
        assert_eq!(
            sparse.chunks().collect::<Vec<_>>(),
            [(CHUNK as u64, &[0; 10][..])]
        );
    }

    #[test]
    fn nothing_goes_past_the_end() {
        let mut sparse = Sparse::new(10);
        assert!(sparse.write_at(5, &[0; 6]).is_err());
        assert!(sparse.write_at(u64::MAX, &[0; 6]).is_err());
        assert!(sparse.read_at(5, &mut [0; 6]).is_err());
        let mut cursor = sparse.cursor();
        cursor.seek(SeekFrom::End(-2)).unwrap();
        assert_eq!(cursor.write(b"abc").unwrap(), 2);
        assert_eq!(cursor.write(b"c").unwrap(), 0);
        assert!(cursor.seek(SeekFrom::Current(-20)).is_err());
        assert!(Sparse::new(5).place(1, &sparse).is_err());
    }
}
