//! Filling the first firmware slot of the disk, and reading it back.
//!
//! What is copied is hashed against the signed manifest on a thread of its own, while the disk writes. The way back only has to
//! find a disk that does not keep what it was given: CRC-32 of each piece is enough for that and costs no time.
//!
//! Invariant: the signature comes last, by rename, when everything it covers is on the disk: a slot without it is empty.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use sha2::{Digest, Sha256};
use sps_image::boot_control::SlotNumber;
use sps_image::disk::file_systems::slot_folder;
use sps_image::hex::Sha256Digest;
use sps_image::manifest::Payload;
use sps_image::names;
use sps_image::source::Extent;
use sps_sys::writeback;
use thiserror::Error;

use super::firmware::{Firmware, FirmwareError};
use crate::ext4::{MountError, Mounted};

/// Payloads of this folder of the ISO make a slot.
const FOLDER: &str = "firmware/";
/// Bytes copied at once.
const AT_ONCE: usize = 1 << 20;
/// Pieces that may wait to be hashed: enough that neither side waits for the other's every hiccup, little memory.
const QUEUE: usize = 4;

/// Why the slot could not be filled.
#[derive(Debug, Error)]
pub enum SlotError {
    /// The firmware could not be read.
    #[error("the firmware cannot be read")]
    Firmware(#[from] FirmwareError),
    /// A file could not be written.
    #[error("could not write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be read back.
    #[error("could not read back {}: the disk may be failing, use another", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file reads back differently.
    #[error("{} reads back differently: the disk is failing, use another", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
    },
    /// Something could not be brought to the disk.
    #[error("the firmware could not be brought to the disk")]
    Mount(#[from] MountError),
}

/// The payloads of a slot.
fn payloads(firmware: &Firmware) -> impl Iterator<Item = &Payload> {
    let all = firmware.manifest().payloads.iter();
    all.filter(|payload| payload.name.starts_with(FOLDER))
}

/// Bytes of the payloads of a slot.
pub(super) fn size(firmware: &Firmware) -> u64 {
    payloads(firmware).map(|payload| payload.size).sum()
}

/// The last part of a name in the ISO.
fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn folder(boot: &Path) -> PathBuf {
    boot.join(slot_folder(SlotNumber::FIRST))
}

/// What was written of one payload.
pub(super) struct Written {
    name: String,
    /// CRC-32 of each piece of [`AT_ONCE`] bytes.
    pieces: Vec<u32>,
}

/// Fills the first slot of an empty `boot`; `moved` hears of the bytes.
pub(super) fn fill(
    boot: &Mounted,
    firmware: &Firmware,
    mut moved: impl FnMut(u64),
) -> Result<Vec<Written>, SlotError> {
    let slot = folder(boot.target());
    fs::create_dir_all(&slot).map_err(write_failed(&slot))?;
    let copied = payloads(firmware).map(|payload| copy(firmware, payload, &slot, &mut moved));
    let written = copied.collect::<Result<_, _>>()?;
    let (manifest, signature) = firmware.signed();
    let (new, done) = (slot.join("manifest.sig.new"), slot.join(last(names::SIGNATURE)));
    write(&slot.join(last(names::MANIFEST)), manifest)?;
    write(&new, signature)?;
    boot.sync()?;
    fs::rename(&new, &done).map_err(write_failed(&done))?;
    boot.sync()?;
    Ok(written)
}

/// Copies one payload; a second thread hashes what goes by.
fn copy(
    firmware: &Firmware,
    payload: &Payload,
    slot: &Path,
    moved: &mut impl FnMut(u64),
) -> Result<Written, SlotError> {
    let changed = || FirmwareError::Changed {
        name: payload.name.clone(),
    };
    let extent = firmware
        .extent(&payload.name)
        .filter(|extent| extent.size == payload.size);
    let extent = extent.ok_or_else(changed)?;
    let to = slot.join(last(&payload.name));
    let (sender, receiver) = sync_channel(QUEUE);
    let (give_back, spare) = channel();
    let (digest, pieces) = thread::scope(|scope| {
        let hasher = scope.spawn(move || hash(&receiver, &give_back));
        let belt = Belt { sender, spare };
        let sent = send(firmware, payload, extent, &to, &belt, moved);
        drop(belt);
        // A panic of the hasher is one of the installation.
        let hashed = hasher.join().unwrap_or_else(|panic| resume_unwind(panic));
        sent.map(|()| hashed)
    })?;
    if digest != payload.sha256 {
        return Err(changed().into());
    }
    Ok(Written {
        name: last(&payload.name).to_owned(),
        pieces,
    })
}

/// Buffers on their way to the hasher and back.
struct Belt {
    sender: SyncSender<Vec<u8>>,
    spare: Receiver<Vec<u8>>,
}

/// Reads, writes and passes on.
fn send(
    firmware: &Firmware,
    payload: &Payload,
    extent: Extent,
    to: &Path,
    belt: &Belt,
    moved: &mut impl FnMut(u64),
) -> Result<(), SlotError> {
    let mut file = File::create(to).map_err(write_failed(to))?;
    let mut done = 0;
    while done < extent.size {
        let take = usize::try_from(extent.size - done).map_or(AT_ONCE, |rest| rest.min(AT_ONCE));
        let mut piece = belt.spare.try_recv().unwrap_or_default();
        piece.resize(take, 0);
        firmware.read_at(&payload.name, extent.offset + done, &mut piece)?;
        file.write_all(&piece).map_err(write_failed(to))?;
        writeback::begin(&file, done, take as u64).map_err(write_failed(to))?;
        done += take as u64;
        moved(take as u64);
        // The hasher ends only when this side does.
        let _heard = belt.sender.send(piece);
    }
    Ok(())
}

fn hash(pieces: &Receiver<Vec<u8>>, give_back: &Sender<Vec<u8>>) -> (Sha256Digest, Vec<u32>) {
    let (mut hasher, mut checksums) = (Sha256::new(), Vec::new());
    for piece in pieces {
        hasher.update(&piece);
        checksums.push(crc32fast::hash(&piece));
        // At the end nobody wants it any more.
        let _taken = give_back.send(piece);
    }
    (Sha256Digest::new(hasher.finalize().into()), checksums)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), SlotError> {
    fs::write(path, bytes).map_err(write_failed(path))
}

fn write_failed(path: &Path) -> impl FnOnce(io::Error) -> SlotError + use<> {
    let path = path.to_path_buf();
    move |source| SlotError::Write { path, source }
}

/// Reads the slot back and compares it with what was written.
pub(super) fn verify(
    boot: &Path,
    firmware: &Firmware,
    written: &[Written],
    mut moved: impl FnMut(u64),
) -> Result<(), SlotError> {
    let slot = folder(boot);
    let (manifest, signature) = firmware.signed();
    for (name, bytes) in [(names::MANIFEST, manifest), (names::SIGNATURE, signature)] {
        let path = slot.join(last(name));
        let found = fs::read(&path).map_err(read_failed(&path))?;
        if found != bytes {
            return Err(SlotError::Differs { path });
        }
    }
    let same = |file: &Written| compare(&slot.join(&file.name), &file.pieces, &mut moved);
    written.iter().try_for_each(same)
}

/// Reads pieces of the size that was written; the last is shorter, and nothing may follow.
fn compare(path: &Path, pieces: &[u32], moved: &mut impl FnMut(u64)) -> Result<(), SlotError> {
    let mut file = File::open(path).map_err(read_failed(path))?;
    let mut buffer = Vec::with_capacity(AT_ONCE);
    let mut found = Vec::new();
    loop {
        buffer.clear();
        let read = (&mut file).take(AT_ONCE as u64).read_to_end(&mut buffer);
        if read.map_err(read_failed(path))? == 0 {
            break;
        }
        found.push(crc32fast::hash(&buffer));
        moved(buffer.len() as u64);
    }
    if found == pieces {
        return Ok(());
    }
    Err(SlotError::Differs {
        path: path.to_path_buf(),
    })
}

fn read_failed(path: &Path) -> impl FnOnce(io::Error) -> SlotError + use<> {
    let path = path.to_path_buf();
    move |source| SlotError::Read { path, source }
}
