//! Where the bytes of an image come from: memory or a file, read at offsets.
//!
//! Invariant: a read is exact or an error; nothing is read into memory but what the caller made room for.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use sha2::{Digest, Sha256};

use crate::hex::Sha256Digest;

/// Bytes read at a time when hashing: large enough for the disk, small enough for a 256 MB appliance.
const CHUNK: usize = 256 * 1024;

/// Random access to the bytes of an image.
pub trait Source {
    /// Bytes there are.
    fn size(&self) -> u64;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// When the bytes cannot be read or end before the buffer is full.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl Source for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(buffer.len())?));
        let bytes = range
            .and_then(|range| self.get(range))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

impl Source for Vec<u8> {
    fn size(&self) -> u64 {
        self.as_slice().size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_at(offset, buffer)
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, buffer)
    }
}

/// An open file; its size is taken when it is wrapped.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    size: u64,
}

impl FileSource {
    /// Wraps an open regular file.
    ///
    /// # Errors
    /// When the size cannot be read or it is no regular file.
    pub fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self {
            file,
            size: metadata.len(),
        })
    }
}

impl Source for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

/// Where bytes lie in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}

impl Extent {
    /// The first byte after it; extents are made with ends that fit.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }
}

/// A part of something longer: a partition of a disk, an ISO on a stick.
#[derive(Clone, Copy, Debug)]
pub struct Section<S> {
    source: S,
    extent: Extent,
}

impl<S: Source> Section<S> {
    /// The bytes of `extent`, as far as `source` has them.
    pub fn new(source: S, extent: Extent) -> Self {
        let end = extent.end().min(source.size());
        let size = end.saturating_sub(extent.offset);
        let extent = Extent { size, ..extent };
        Self { source, extent }
    }
}

impl<S: Source> Source for Section<S> {
    fn size(&self) -> u64 {
        self.extent.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.extent.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.source.read_at(self.extent.offset + offset, buffer)
    }
}

/// Reads an extent into memory; the caller has bounded its size.
pub(crate) fn read(source: &(impl Source + ?Sized), extent: Extent) -> io::Result<Vec<u8>> {
    let size = usize::try_from(extent.size).map_err(|_| io::ErrorKind::OutOfMemory)?;
    if extent.end() > source.size() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut bytes = vec![0; size];
    source.read_at(extent.offset, &mut bytes)?;
    Ok(bytes)
}

/// The SHA-256 of an extent.
pub(crate) fn digest(source: &(impl Source + ?Sized), extent: Extent) -> io::Result<Sha256Digest> {
    digest_without(source, extent, &[])
}

/// The SHA-256 of an extent, with the bytes inside the `holes` taken as zeros.
pub(crate) fn digest_without(
    source: &(impl Source + ?Sized),
    extent: Extent,
    holes: &[Extent],
) -> io::Result<Sha256Digest> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut offset = extent.offset;
    while offset < extent.end() {
        let take = usize::try_from(extent.end() - offset).unwrap_or(CHUNK).min(CHUNK);
        let chunk = &mut buffer[..take];
        source.read_at(offset, chunk)?;
        holes.iter().for_each(|hole| blank(chunk, offset, *hole));
        hasher.update(&*chunk);
        offset += take as u64;
    }
    Ok(Sha256Digest::new(hasher.finalize().into()))
}

/// Zeroes the part of `chunk`, the bytes from `offset`, that lies in `hole`.
fn blank(chunk: &mut [u8], offset: u64, hole: Extent) {
    let end = offset + chunk.len() as u64;
    let (from, to) = (hole.offset.clamp(offset, end), hole.end().clamp(offset, end));
    // Both lie within the chunk, whose length is a usize.
    chunk[(from - offset) as usize..(to - offset) as usize].fill(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_count_as_zeros_across_chunks() {
        let mut bytes: Vec<u8> = (0..CHUNK * 2 + 100).map(|n| (n % 253) as u8).collect();
        let all = Extent {
            offset: 0,
            size: bytes.len() as u64,
        };
        let holes = [
            Extent {
                offset: CHUNK as u64 - 10,
                size: 20,
            },
            Extent { offset: 3, size: 1 },
            Extent {
                offset: bytes.len() as u64 - 2,
                size: 2,
            },
        ];
        let digest = digest_without(&bytes, all, &holes).unwrap();
        let end = bytes.len();
        for range in [CHUNK - 10..CHUNK + 10, 3..4, end - 2..end] {
            bytes[range].fill(0);
        }
        assert_eq!(digest, Sha256Digest::of(&bytes));
    }

    #[test]
    fn a_section_has_two_ends() {
        let bytes: Vec<u8> = (0..100).collect();
        let section = Section::new(&bytes, Extent { offset: 10, size: 5 });
        let mut found = [0; 5];
        section.read_at(0, &mut found).unwrap();
        assert_eq!((section.size(), found), (5, [10, 11, 12, 13, 14]));
        assert!(section.read_at(1, &mut found).is_err());
        assert!(section.read_at(u64::MAX, &mut [0; 1]).is_err());
        for (offset, left) in [(98, 2), (100, 0), (u64::MAX, 0)] {
            let short = Section::new(&bytes, Extent { offset, size: 5 });
            assert_eq!(short.size(), left);
            assert!(short.read_at(left, &mut [0; 1]).is_err());
        }
    }

    #[test]
    fn reads_past_the_end_are_errors() {
        let bytes = vec![1, 2, 3];
        assert!(bytes.read_at(1, &mut [0; 3]).is_err());
        assert!(bytes.read_at(u64::MAX, &mut [0; 1]).is_err());
        assert!(
            read(
                &bytes,
                Extent {
                    offset: u64::MAX,
                    size: 1
                }
            )
            .is_err()
        );
        assert!(
            read(
                &bytes,
                Extent {
                    offset: 0,
                    size: u64::MAX
                }
            )
            .is_err()
        );
    }
}
