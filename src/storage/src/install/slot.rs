//! Filling the first firmware slot of the disk, and reading it back.
//!
//! Invariant: the signature comes last, by rename, when everything it covers is on the disk: a slot without it is empty.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustix::fs::OFlags;
use sps_image::boot_control::SlotNumber;
use sps_image::disk::file_systems::slot_folder;
use sps_image::names;
use sps_sys::writeback;
use thiserror::Error;

use super::firmware::{Firmware, FirmwareError};
use crate::ext4::{MountError, Mounted};

/// Bytes written or read at once.
const AT_ONCE: usize = 1 << 20;
/// Alignment in memory of what a disk reads without the kernel's help: the largest logical block there is.
const DIRECT_ALIGN: usize = 4096;
/// Files that are read back at the same time: a fast disk is faster than one processor compares.
const READERS: usize = 2;

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

/// The names in the ISO and in the slot of the files of a slot, but for the signature.
fn content(firmware: &Firmware) -> impl Iterator<Item = (&str, &str)> {
    let payloads = firmware.manifest().payloads.iter();
    payloads
        .map(|payload| payload.name.as_str())
        .chain([names::MANIFEST])
        .filter_map(|name| Some((name, names::slot_name(name)?)))
}

/// Bytes of all files of a slot.
///
/// # Errors
/// When the firmware lacks one.
pub(super) fn size(firmware: &Firmware) -> Result<u64, FirmwareError> {
    let names = content(firmware).map(|(name, _)| name).chain([names::SIGNATURE]);
    let sizes = names.map(|name| Ok(firmware.file(name)?.len() as u64));
    sizes.sum()
}

fn folder(boot: &Path) -> PathBuf {
    boot.join(slot_folder(SlotNumber::FIRST))
}

/// Where the signature lies at the end.
fn signature(slot: &Path) -> PathBuf {
    slot.join(names::slot_name(names::SIGNATURE).unwrap_or(names::SIGNATURE))
}

/// Fills the first slot of an empty `boot`; `moved` hears of the bytes.
pub(super) fn fill(boot: &Mounted, firmware: &Firmware, mut moved: impl FnMut(u64)) -> Result<(), SlotError> {
    let slot = folder(boot.target());
    fs::create_dir_all(&slot).map_err(write_failed(&slot))?;
    for (name, short) in content(firmware) {
        write(&slot.join(short), firmware.file(name)?, &mut moved)?;
    }
    let (new, done) = (slot.join("manifest.sig.new"), signature(&slot));
    write(&new, firmware.file(names::SIGNATURE)?, &mut moved)?;
    boot.sync()?;
    fs::rename(&new, &done).map_err(write_failed(&done))
}

/// Writes a file; the disk begins with each piece while the next is copied.
fn write(path: &Path, bytes: &[u8], moved: &mut impl FnMut(u64)) -> Result<(), SlotError> {
    let mut file = File::create(path).map_err(write_failed(path))?;
    let mut done = 0;
    for piece in bytes.chunks(AT_ONCE) {
        let size = piece.len() as u64;
        let begun = file
            .write_all(piece)
            .and_then(|()| writeback::begin(&file, done, size));
        begun.map_err(write_failed(path))?;
        done += size;
        moved(size);
    }
    Ok(())
}

fn write_failed(path: &Path) -> impl FnOnce(io::Error) -> SlotError + use<> {
    let path = path.to_path_buf();
    move |source| SlotError::Write { path, source }
}

/// Reads the slot back and compares it with what was written.
pub(super) fn verify(boot: &Path, firmware: &Firmware, mut moved: impl FnMut(u64)) -> Result<(), SlotError> {
    let slot = folder(boot);
    let mut files = vec![(signature(&slot), firmware.file(names::SIGNATURE)?)];
    for (name, short) in content(firmware) {
        files.push((slot.join(short), firmware.file(name)?));
    }
    // The largest first: the readers end at about the same time.
    files.sort_by_key(|(_, bytes)| bytes.len());
    let waiting = Mutex::new(files);
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        let readers: Vec<_> = std::iter::repeat_n(sender, READERS)
            .map(|sender| scope.spawn(|| compare_all(&waiting, &{ sender })))
            .collect();
        receiver.iter().for_each(&mut moved);
        // A panic of a reader is one of the installation.
        let ended = readers
            .into_iter()
            .map(|reader| reader.join().unwrap_or_else(|panic| resume_unwind(panic)));
        ended.collect()
    })
}
/// Takes files until none is left.
fn compare_all(files: &Mutex<Vec<(PathBuf, &[u8])>>, moved: &Sender<u64>) -> Result<(), SlotError> {
    // Nothing panics while it is held.
    let next = || files.lock().unwrap_or_else(PoisonError::into_inner).pop();
    while let Some((path, bytes)) = next() {
        compare(&path, bytes, moved)?;
    }
    Ok(())
}

/// Compares a file with what it should hold; nothing may follow. The kernel's memory is left out: with it, every byte is copied once
/// more and read in pieces of 128 KiB.
fn compare(path: &Path, bytes: &[u8], moved: &Sender<u64>) -> Result<(), SlotError> {
    let failed = |source| SlotError::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::DIRECT.bits().cast_signed())
        .open(path)
        .map_err(failed)?;
    let mut buffer = vec![0; AT_ONCE + DIRECT_ALIGN];
    let aligned = buffer.as_ptr().align_offset(DIRECT_ALIGN);
    let buffer = &mut buffer[aligned..][..AT_ONCE];
    let mut done = 0;
    loop {
        let read = file.read(buffer).map_err(failed)?;
        if bytes.get(done..done + read) != Some(&buffer[..read]) || (read == 0 && done < bytes.len()) {
            return Err(SlotError::Differs {
                path: path.to_path_buf(),
            });
        }
        if read == 0 {
            return Ok(());
        }
        done += read;
        // Who does not listen any more has met an error elsewhere.
        let _heard = moved.send(read as u64);
    }
}
