//! Writes a verified firmware into an empty slot.
//!
//! Invariants: what is written is compared with the signed digests twice, on its way and read back from the disk;
//! `manifest.sig` appears by rename when everything else is durable. Whatever interrupts it leaves a slot without
//! signature, which counts as empty.

use std::io::{self, Read};

use sha2::{Digest, Sha256};
use sps_firmware_engine::{Build, Candidate};
use sps_image::boot_control::SlotNumber;
use sps_image::hex::Sha256Digest;
use sps_image::keys::{Signature, Trust};
use sps_image::manifest::{Manifest, Payload};
use sps_image::names;
use sps_image::source::{Extent, Source};
use sps_image::verify::{self, Refusal as ImageRefusal, Verified, VerifyError};

use crate::error::FirmwareError;
use crate::folder::Folder;
use crate::inventory::{CHUNK, MANIFEST, SIGNATURE, build_of, slot_files};
use crate::progress::{CalledOff, Meter, Metered, Stage, Watcher};

/// A firmware that passed every check, and the exact bytes that were signed.
#[derive(Debug)]
pub(crate) struct Image {
    verified: Verified,
    manifest: Vec<u8>,
    signature: Vec<u8>,
}

impl Image {
    /// Verifies all of `source` against the keys of `trust`.
    pub(crate) fn verify(
        source: &dyn Source,
        trust: &Trust,
        watcher: &mut Watcher<'_>,
    ) -> Result<Self, FirmwareError> {
        let metered = Metered::new(source, watcher);
        let verified = match verify::verify(&metered, trust) {
            Err(_) if metered.was_called_off() => return Err(FirmwareError::CalledOff),
            judged => judged?,
        };
        let file = |name| verified.files.files.get(name).copied();
        let manifest = read(source, file(names::MANIFEST), ImageRefusal::NoManifest)?;
        let signature = read(source, file(names::SIGNATURE), ImageRefusal::Unsigned)?;
        // The medium was read once for judging and once for keeping: it must have said the same.
        let signed =
            Signature::parse(&signature).is_ok_and(|parsed| verified.key.verifies(&manifest, &parsed));
        let same = Manifest::from_json(&manifest).is_ok_and(|parsed| parsed == verified.manifest);
        if !signed || !same {
            return Err(FirmwareError::SourceChanged);
        }
        Ok(Self {
            verified,
            manifest,
            signature,
        })
    }

    pub(crate) fn build(&self) -> Build {
        build_of(&self.verified.manifest, &self.manifest)
    }

    /// Bytes of its files in a slot.
    pub(crate) fn size(&self) -> u64 {
        let payloads: u64 = slot_files(&self.verified.manifest)
            .map(|(_, payload)| payload.size)
            .sum();
        payloads + (self.manifest.len() + self.signature.len()) as u64
    }

    pub(crate) fn candidate(&self) -> Candidate {
        Candidate {
            build: self.build(),
            size: self.size(),
        }
    }

    /// Writes it into the empty slot `number`.
    pub(crate) fn write(
        &self,
        source: &dyn Source,
        slots: &Folder,
        number: SlotNumber,
        watcher: &mut Watcher<'_>,
    ) -> Result<(), FirmwareError> {
        let name = number.to_string();
        let failed = |source| FirmwareError::Write {
            file: slots.path_of(&name),
            source,
        };
        let slot = slots.folder_made(&name).map_err(failed)?;
        let mut meter = Meter::new(watcher, Stage::Writing, self.size());
        for (name, payload) in slot_files(&self.verified.manifest) {
            let extent = self.verified.files.files.get(&payload.name).copied();
            let extent = extent.ok_or(FirmwareError::SourceChanged)?;
            copy(source, extent, payload, &slot, name, &mut meter)?;
        }
        self.put(&slot, MANIFEST, &self.manifest)?;
        self.read_back(&slot, watcher)?;
        slot.sync().map_err(failed)?;
        let beside = format!("{SIGNATURE}.new");
        self.put(&slot, &beside, &self.signature)?;
        slot.rename(&beside, SIGNATURE).map_err(failed)
    }

    fn put(&self, slot: &Folder, name: &str, content: &[u8]) -> Result<(), FirmwareError> {
        let write = || {
            let mut file = slot.create(name)?;
            file.write(content)?;
            file.sync()
        };
        write().map_err(|source| writing(slot, name, self.size(), source))
    }

    /// Reads everything back from the disk.
    fn read_back(&self, slot: &Folder, watcher: &mut Watcher<'_>) -> Result<(), FirmwareError> {
        let mut meter = Meter::new(watcher, Stage::Checking, self.size());
        for (name, payload) in slot_files(&self.verified.manifest) {
            check(slot, name, payload.sha256, &mut meter)?;
        }
        check(slot, MANIFEST, Sha256Digest::of(&self.manifest), &mut meter)
    }
}

fn read(
    source: &dyn Source,
    extent: Option<Extent>,
    missing: ImageRefusal,
) -> Result<Vec<u8>, FirmwareError> {
    let extent = extent.ok_or(VerifyError::Refused(missing))?;
    // Verifying has bounded both.
    let size = usize::try_from(extent.size).map_err(|_| FirmwareError::SourceChanged)?;
    let mut content = vec![0; size];
    source
        .read_at(extent.offset, &mut content)
        .map_err(FirmwareError::Source)?;
    Ok(content)
}

fn copy(
    source: &dyn Source,
    extent: Extent,
    payload: &Payload,
    slot: &Folder,
    name: &str,
    meter: &mut Meter<'_, '_>,
) -> Result<(), FirmwareError> {
    let failed = |source| writing(slot, name, payload.size, source);
    let mut file = slot.create(name).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut offset = extent.offset;
    while offset < extent.end() {
        let take = usize::try_from(extent.end() - offset).unwrap_or(CHUNK).min(CHUNK);
        let piece = &mut buffer[..take];
        source.read_at(offset, piece).map_err(FirmwareError::Source)?;
        hasher.update(&*piece);
        file.write(piece).map_err(failed)?;
        offset += take as u64;
        meter
            .advance(take)
            .map_err(|CalledOff| FirmwareError::CalledOff)?;
    }
    file.sync().map_err(failed)?;
    if hasher.finalize()[..] == payload.sha256.as_bytes()[..] {
        Ok(())
    } else {
        Err(FirmwareError::SourceChanged)
    }
}

fn check(
    slot: &Folder,
    name: &str,
    expected: Sha256Digest,
    meter: &mut Meter<'_, '_>,
) -> Result<(), FirmwareError> {
    let failed = |source| FirmwareError::Read {
        file: slot.path_of(name),
        source,
    };
    let mut file = slot.file(name).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(failed)?,
        };
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        meter
            .advance(count)
            .map_err(|CalledOff| FirmwareError::CalledOff)?;
    }
    if hasher.finalize()[..] == expected.as_bytes()[..] {
        Ok(())
    } else {
        Err(FirmwareError::ReadBack {
            file: slot.path_of(name),
        })
    }
}

/// An error of writing; a full disk is one a person can mend.
fn writing(slot: &Folder, name: &str, needed: u64, source: io::Error) -> FirmwareError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FirmwareError::NoRoom {
            needed,
            free: slot.free().unwrap_or_default(),
        },
        _ => FirmwareError::Write {
            file: slot.path_of(name),
            source,
        },
    }
}
