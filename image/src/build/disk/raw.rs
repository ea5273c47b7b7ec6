//! The disk byte for byte, as a sparse file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::disk::sparse::{CHUNK, Sparse, is_zero};
use crate::hex::Sha256Digest;
use crate::source::{self, Extent, Source};

/// Bytes that are left out together when they are zero: a block of the file systems people build on.
const HOLE: usize = 4096;

/// Writes the disk into an empty file, with holes where it is zero.
///
/// # Errors
/// When the file cannot be written.
pub fn write(disk: &Sparse, file: &File) -> io::Result<()> {
    file.set_len(disk.size())?;
    for (number, chunk) in disk.filled() {
        let offset = number * CHUNK as u64;
        for (at, block) in (offset..).step_by(HOLE).zip(chunk.chunks(HOLE)) {
            if !is_zero(block) && at < disk.size() {
                let rest = usize::try_from(disk.size() - at).unwrap_or(HOLE);
                file.write_all_at(&block[..rest.min(HOLE)], at)?;
            }
        }
    }
    Ok(())
}

/// The SHA-256 of what [`write`] writes: of every byte, so it takes seconds where the writing takes none.
///
/// # Errors
/// Never in practice: the disk is in memory.
pub fn digest(disk: &Sparse) -> io::Result<Sha256Digest> {
    let size = disk.size();
    source::digest(disk, Extent { offset: 0, size })
}
