//! Filling the first firmware slot of the disk, and reading it back.
//!
//! Invariant: the signature comes last, by rename, when everything it covers is on the disk: a slot without it is empty.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sps_image::boot_control::SlotNumber;
use sps_image::hex::Sha256Digest;
use sps_image::manifest::Payload;
use sps_image::names;
use thiserror::Error;

use super::firmware::{Firmware, FirmwareError};
use crate::ext4::{MountError, Mounted};

/// Folder of the slots on `boot`.
const SLOTS: &str = "slots";
/// Payloads of this folder of the ISO make a slot.
const FOLDER: &str = "firmware/";
/// Bytes copied at once.
const AT_ONCE: usize = 1 << 20;

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
    boot.join(SLOTS).join(SlotNumber::FIRST.to_string())
}

/// Fills the first slot of an empty `boot`; `moved` hears of the bytes.
pub(super) fn fill(boot: &Mounted, firmware: &Firmware, mut moved: impl FnMut(u64)) -> Result<(), SlotError> {
    let slot = folder(boot.target());
    fs::create_dir_all(&slot).map_err(write_failed(&slot))?;
    for payload in payloads(firmware) {
        copy(firmware, payload, &slot.join(last(&payload.name)), &mut moved)?;
    }
    let (manifest, signature) = firmware.signed();
    write(&slot.join(last(names::MANIFEST)), manifest)?;
    boot.sync()?;
    let (new, done) = (slot.join("manifest.sig.new"), slot.join(last(names::SIGNATURE)));
    write(&new, signature)?;
    boot.sync()?;
    fs::rename(&new, &done).map_err(write_failed(&done))?;
    Ok(boot.sync()?)
}

/// Copies one payload, hashing what is copied.
fn copy(
    firmware: &Firmware,
    payload: &Payload,
    to: &Path,
    moved: &mut impl FnMut(u64),
) -> Result<(), SlotError> {
    let changed = || FirmwareError::Changed {
        name: payload.name.clone(),
    };
    let extent = firmware
        .extent(&payload.name)
        .filter(|extent| extent.size == payload.size)
        .ok_or_else(changed)?;
    let mut file = File::create(to).map_err(write_failed(to))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; AT_ONCE];
    let mut offset = extent.offset;
    while offset < extent.end() {
        let take = usize::try_from(extent.end() - offset).map_or(AT_ONCE, |rest| rest.min(AT_ONCE));
        let chunk = &mut buffer[..take];
        firmware.read_at(&payload.name, offset, chunk)?;
        hasher.update(&*chunk);
        file.write_all(chunk).map_err(write_failed(to))?;
        offset += take as u64;
        moved(take as u64);
    }
    if Sha256Digest::new(hasher.finalize().into()) != payload.sha256 {
        return Err(changed().into());
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), SlotError> {
    fs::write(path, bytes).map_err(write_failed(path))
}

fn write_failed(path: &Path) -> impl FnOnce(io::Error) -> SlotError + use<> {
    let path = path.to_path_buf();
    move |source| SlotError::Write { path, source }
}

/// Reads the slot back and compares it with what was signed.
pub(super) fn verify(boot: &Path, firmware: &Firmware, mut moved: impl FnMut(u64)) -> Result<(), SlotError> {
    let slot = folder(boot);
    let (manifest, signature) = firmware.signed();
    for (name, bytes) in [(names::MANIFEST, manifest), (names::SIGNATURE, signature)] {
        let path = slot.join(last(name));
        let found = fs::read(&path).map_err(read_failed(&path))?;
        if found != bytes {
            return Err(SlotError::Differs { path });
        }
    }
    for payload in payloads(firmware) {
        let path = slot.join(last(&payload.name));
        let (digest, size) = digest(&path, &mut moved)?;
        if (digest, size) != (payload.sha256, payload.size) {
            return Err(SlotError::Differs { path });
        }
    }
    Ok(())
}

fn digest(path: &Path, moved: &mut impl FnMut(u64)) -> Result<(Sha256Digest, u64), SlotError> {
    let mut file = File::open(path).map_err(read_failed(path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; AT_ONCE];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer).map_err(read_failed(path))?;
        if count == 0 {
            return Ok((Sha256Digest::new(hasher.finalize().into()), size));
        }
        hasher.update(&buffer[..count]);
        size += count as u64;
        moved(count as u64);
    }
}

fn read_failed(path: &Path) -> impl FnOnce(io::Error) -> SlotError + use<> {
    let path = path.to_path_buf();
    move |source| SlotError::Read { path, source }
}
