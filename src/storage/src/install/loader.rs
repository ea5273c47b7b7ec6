//! The boot loader's parts on the disk: first block, core, EFI system partition with the boot control.

use sps_image::boot_control::{Control, SlotNumber};
use sps_image::disk::layout::{Layout, Part};
use sps_image::disk::table::BLOCK_SIZE;
use sps_image::esp::{self, DiskFiles, EspError};
use sps_image::names;
use thiserror::Error;

use super::firmware::{Firmware, FirmwareError};
use super::target::ESP_HEAD;

/// Bytes written at once: large enough for any disk, small enough for a small machine.
const MOST_AT_ONCE: usize = 1 << 20;

/// Why there is no boot loader to write.
#[derive(Debug, Error)]
pub enum LoaderError {
    /// A payload.
    #[error("the firmware's boot loader cannot be read")]
    Payload(#[from] FirmwareError),
    /// The EFI system partition.
    #[error("the boot partition could not be put together")]
    Esp(#[from] EspError),
    /// A payload does not fit its place.
    #[error("{name} has a size that does not fit: the firmware is damaged")]
    Size {
        /// The payload.
        name: &'static str,
    },
}

/// Bytes and their place on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) what: &'static str,
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

/// Everything of the boot loader, at its places.
#[derive(Clone, Debug)]
pub(super) struct Loader {
    /// What may be on the disk before it is bootable, in order.
    pub(super) body: Vec<Piece>,
    /// The beginning of the EFI system partition.
    pub(super) esp_head: Piece,
    /// The first block; the writer of the partition table adds the rest of it.
    pub(super) first_block: [u8; BLOCK_SIZE],
}

impl Loader {
    /// Reads and lays out the parts, with a boot control that says: the first slot was installed.
    pub(super) fn new(firmware: &Firmware, layout: &Layout) -> Result<Self, LoaderError> {
        let boot = firmware.file(names::DISK_BOOT)?;
        let core = firmware.file(names::DISK_CORE)?.to_vec();
        let bios = layout.extent(Part::Bios);
        if core.len() as u64 > bios.size {
            return Err(LoaderError::Size {
                name: names::DISK_CORE,
            });
        }
        let size = || LoaderError::Size {
            name: names::DISK_BOOT,
        };
        let first_block = boot.try_into().map_err(|_| size())?;
        let control = Control::installed(SlotNumber::FIRST);
        let volume = esp::disk(&DiskFiles {
            loader: firmware.loader(),
            config: firmware.file(names::DISK_GRUB_CONFIG)?,
            control,
        })?;
        let mut pieces = join(volume.chunks(), layout.extent(Part::Esp).offset);
        let esp_head = split_head(&mut pieces, layout.extent(Part::Esp).offset);
        let mut body = vec![Piece {
            what: "the BIOS boot loader",
            offset: bios.offset,
            bytes: core,
        }];
        body.append(&mut pieces);
        Ok(Self {
            body,
            esp_head,
            first_block,
        })
    }

    /// Bytes of everything.
    pub(super) fn size(&self) -> u64 {
        let pieces = self.body.iter().chain([&self.esp_head]);
        pieces.map(|piece| piece.bytes.len() as u64).sum::<u64>()
    }
}

const ESP: &str = "the EFI system partition";

/// Neighbouring chunks become one piece, up to [`MOST_AT_ONCE`].
fn join<'a>(chunks: impl Iterator<Item = (u64, &'a [u8])>, start: u64) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (offset, bytes) in chunks {
        let offset = start + offset;
        match pieces.last_mut() {
            Some(last)
                if last.offset + last.bytes.len() as u64 == offset
                    && last.bytes.len() + bytes.len() <= MOST_AT_ONCE =>
            {
                last.bytes.extend_from_slice(bytes);
            }
            _ => pieces.push(Piece {
                what: ESP,
                offset,
                bytes: bytes.to_vec(),
            }),
        }
    }
    pieces
}

/// Takes the first [`ESP_HEAD`] bytes off the first piece.
fn split_head(pieces: &mut [Piece], start: u64) -> Piece {
    let mut head = Piece {
        what: ESP,
        offset: start,
        bytes: Vec::new(),
    };
    if let Some(first) = pieces.first_mut().filter(|piece| piece.offset == start) {
        let rest = first.bytes.split_off(first.bytes.len().min(ESP_HEAD as usize));
        head.bytes = std::mem::replace(&mut first.bytes, rest);
        first.offset += head.bytes.len() as u64;
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_joined_and_the_head_is_apart() {
        let (a, b, c) = ([1; 65536], [2; 65536], [3; 65536]);
        let chunks: [(u64, &[u8]); 3] = [(0, &a), (65536, &b), (1 << 20, &c)];
        let mut pieces = join(chunks.into_iter(), 1 << 30);
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[1].offset, (1 << 30) + (1 << 20));
        let head = split_head(&mut pieces, 1 << 30);
        assert_eq!((head.offset, head.bytes.as_slice()), (1 << 30, &a[..]));
        assert_eq!(
            (pieces[0].offset, pieces[0].bytes.as_slice()),
            ((1 << 30) + 65536, &b[..])
        );
    }

    #[test]
    fn long_runs_are_cut() {
        let chunk = [7; 65536];
        let chunks = (0..40).map(|n| (n * 65536, &chunk[..]));
        let pieces = join(chunks, 0);
        assert!(pieces.iter().all(|piece| piece.bytes.len() <= MOST_AT_ONCE));
        assert_eq!(
            pieces.iter().map(|piece| piece.bytes.len()).sum::<usize>(),
            40 * 65536
        );
    }
}
