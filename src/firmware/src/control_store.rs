//! The two copies of the boot control on the ESP, as bytes of its partition.
//!
//! The ESP is not mounted for it: the files were allocated when the disk was made and are overwritten in place, never
//! renamed or truncated, so that GRUB's `save_env` and this code write the same blocks. A write is synced before it
//! returns.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use sps_image::boot_control::{Copy, SIZE};

/// Where the copies are kept.
pub trait ControlStore: Send + Sync {
    /// The bytes of a copy.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(&self, copy: Copy) -> io::Result<[u8; SIZE]>;

    /// Overwrites a copy in place and returns when it is durable.
    ///
    /// # Errors
    /// When it cannot be written or synced.
    fn write(&self, copy: Copy, bytes: &[u8; SIZE]) -> io::Result<()>;
}

/// Where the bytes of a file lie in a partition: FAT files of this size have one extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

/// The copies in a partition, or in the file of one.
#[derive(Debug)]
pub struct PartitionStore {
    partition: File,
    offsets: [u64; 2],
}

impl PartitionStore {
    /// Opens the partition at `path`; `a` and `b` say where the copies lie in it.
    ///
    /// # Errors
    /// When it cannot be opened, or a range has not the size of a copy.
    pub fn open(path: &Path, a: ByteRange, b: ByteRange) -> io::Result<Self> {
        let overlap = a.offset.abs_diff(b.offset) < SIZE as u64;
        if [a, b].iter().any(|range| range.length != SIZE as u64) || overlap {
            let text = "the files of the boot control have not the size they were made with";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let partition = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)?;
        Ok(Self {
            partition,
            offsets: [a.offset, b.offset],
        })
    }

    const fn offset(&self, copy: Copy) -> u64 {
        match copy {
            Copy::A => self.offsets[0],
            Copy::B => self.offsets[1],
        }
    }
}

impl ControlStore for PartitionStore {
    fn read(&self, copy: Copy) -> io::Result<[u8; SIZE]> {
        let mut bytes = [0; SIZE];
        self.partition.read_exact_at(&mut bytes, self.offset(copy))?;
        Ok(bytes)
    }

    fn write(&self, copy: Copy, bytes: &[u8; SIZE]) -> io::Result<()> {
        self.partition.write_all_at(bytes, self.offset(copy))?;
        self.partition.sync_all()
    }
}
