//! The few fields of an ext4 superblock that are of use here (kernel: `fs/ext4/ext4.h`, `struct ext4_super_block`).

use std::io;

use sps_image::source::Source;
use thiserror::Error;

/// Where the first superblock begins.
const OFFSET: u64 = 1024;
/// Bytes looked at: up to the last field read.
const SIZE: usize = 0x158;
const MAGIC: u16 = 0xef53;
/// `INCOMPAT_64BIT`: the high half of the number of blocks counts.
const INCOMPAT_64BIT: u32 = 0x80;
/// Largest block, 64 KiB: 1024 shifted by this.
const MOST_SHIFT: u32 = 6;

/// Why there is no superblock.
#[derive(Debug, Error)]
pub enum SuperblockError {
    /// It could not be read.
    #[error("the superblock cannot be read")]
    Read(#[source] io::Error),
    /// What is there is none.
    #[error("there is no ext4 file system")]
    Absent,
}

/// What the superblock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Superblock {
    /// Bytes of a block.
    pub block: u64,
    /// Bytes of the file system.
    pub size: u64,
    /// Its UUID, in the order of the text.
    pub uuid: [u8; 16],
    /// Its label, filled up with zeros (`s_volume_name`).
    label: [u8; 16],
}

impl Superblock {
    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub fn read(device: &(impl Source + ?Sized)) -> Result<Self, SuperblockError> {
        let mut bytes = [0; SIZE];
        device
            .read_at(OFFSET, &mut bytes)
            .map_err(SuperblockError::Read)?;
        Self::parse(&bytes).ok_or(SuperblockError::Absent)
    }

    /// Its label.
    #[must_use]
    pub fn label(&self) -> &[u8] {
        let end = self.label.iter().position(|byte| *byte == 0);
        &self.label[..end.unwrap_or(self.label.len())]
    }

    fn parse(bytes: &[u8; SIZE]) -> Option<Self> {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let shift = word(0x18);
        if u16::from_le_bytes([bytes[0x38], bytes[0x39]]) != MAGIC || shift > MOST_SHIFT {
            return None;
        }
        let high = if word(0x60) & INCOMPAT_64BIT == 0 {
            0
        } else {
            word(0x150)
        };
        let blocks = u64::from(high) << 32 | u64::from(word(4));
        let block = 1024 << shift;
        Some(Self {
            block,
            size: blocks.checked_mul(block)?,
            uuid: std::array::from_fn(|at| bytes[0x68 + at]),
            label: std::array::from_fn(|at| bytes[0x78 + at]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_no_superblock() {
        assert!(matches!(
            Superblock::read(&vec![0; 4096]),
            Err(SuperblockError::Absent)
        ));
        assert!(matches!(
            Superblock::read(&vec![0; 100]),
            Err(SuperblockError::Read(_))
        ));
        let mut bytes = vec![0xff; 4096];
        bytes[1024 + 0x38..1024 + 0x3a].copy_from_slice(&MAGIC.to_le_bytes());
        assert!(matches!(Superblock::read(&bytes), Err(SuperblockError::Absent)));
    }
}
