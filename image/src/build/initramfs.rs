//! The compressed root file system.
//!
//! Invariant: the kernel has only its zstd decompressor for it, which takes frames with a window of at most
//! 128 MiB (`lib/decompress_unzstd.c`); the window here is far smaller, see DECISION-compression.md.

use std::io::{self, Write};

use thiserror::Error;
use zstd::stream::raw::CParameter;

use crate::archive::{self, ArchiveError, Tree};
use crate::compression;

/// See DECISION-compression.md for the figures.
const LEVEL: i32 = 19;
/// Largest window, as a power of two: 16 MiB. The kernel allocates as much while it unpacks.
const WINDOW_LOG: u32 = 24;

/// Why the root file system could not be packed.
#[derive(Debug, Error)]
pub enum InitramfsError {
    /// The archive could not be written.
    #[error("cannot pack the root file system")]
    Archive(#[from] ArchiveError),
    /// The compressor failed.
    #[error("cannot compress the root file system")]
    Compress(#[source] io::Error),
    /// The decompressor failed.
    #[error("cannot decompress the root file system")]
    Decompress(#[source] io::Error),
}

/// Packs the tree; the same tree always gives the same bytes.
///
/// # Errors
/// When a path does not fit the format.
pub fn archive(tree: &Tree) -> Result<Vec<u8>, InitramfsError> {
    Ok(archive::write(tree)?)
}

/// What [`compress`] depends on beside the archive, for a cache key.
#[must_use]
pub fn recipe() -> String {
    format!(
        "zstd {}, level {LEVEL}, window 2^{WINDOW_LOG}, checksum",
        zstd::zstd_safe::version_string()
    )
}

/// Compresses an archive for the kernel, with a checksum the kernel verifies.
///
/// # Errors
/// When the compressor fails.
pub fn compress(archive: &[u8]) -> Result<Vec<u8>, InitramfsError> {
    compress_at(archive, LEVEL).map_err(InitramfsError::Compress)
}

fn compress_at(archive: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), level)?;
    encoder.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
    encoder.include_checksum(true)?;
    encoder.set_pledged_src_size(Some(archive.len() as u64))?;
    encoder.include_contentsize(true)?;
    encoder.write_all(archive)?;
    encoder.finish()
}

/// Reads a compressed root file system back; `limit` bounds the bytes it may unpack to.
///
/// # Errors
/// When it is no zstd frame, unpacks to more than `limit` bytes, or is no archive.
pub fn unpack(compressed: &[u8], limit: u64) -> Result<Tree, InitramfsError> {
    let archive = compression::unpack(compressed, limit).map_err(InitramfsError::Decompress)?;
    Ok(archive::read(&archive)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Entry;

    #[test]
    fn it_is_read_back_within_its_limit() {
        let tree = Tree::from([("sps".to_owned(), Entry::file(vec![7; 100_000]))]);
        let packed = compress(&archive(&tree).unwrap()).unwrap();
        assert_eq!(unpack(&packed, 200_000).unwrap(), tree);
        assert!(unpack(&packed, 99_999).is_err());
        assert!(unpack(&packed[..packed.len() - 1], 200_000).is_err());
    }

    #[test]
    fn the_window_is_one_the_kernel_takes() {
        let mut noise = 1_u32;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8 & 0x3f
        })
        .take(20 << 20)
        .collect();
        let frame = compress_at(&bytes, 3).unwrap();
        // RFC 8878, 3.1.1.1: byte 4 is the frame header descriptor; without the single-segment flag byte 5 is the
        // window descriptor, whose upper five bits are log2 - 10.
        assert_eq!(
            frame[4] & 0x20,
            0,
            "one segment: the window would be the whole content"
        );
        assert!(u32::from(frame[5] >> 3) + 10 <= WINDOW_LOG);
    }
}
