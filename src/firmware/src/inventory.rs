//! What lies in the slots.
//!
//! Invariant: reading never changes anything and believes nothing: a slot is whole when signature and manifest can be
//! read and every file the manifest names for it is there with its size; before it is activated also with its digest.
//! Whether the signature is of a trusted key was decided when it was staged, by the firmware of that time.

use std::io::{self, Read};

use sha2::{Digest, Sha256};
use sps_firmware_engine::{Build, Complete, Content};
use sps_image::boot_control::SlotNumber;
use sps_image::hex::Sha256Digest;
use sps_image::keys::Signature;
use sps_image::manifest::{self, Manifest, Payload};

use crate::folder::{Folder, Kind};

/// The signature in a slot: a slot without it is empty.
pub(crate) const SIGNATURE: &str = "manifest.sig";
/// The manifest in a slot.
pub(crate) const MANIFEST: &str = "manifest.json";
/// Folder of the payloads that belong into a slot.
const PREFIX: &str = "firmware/";
/// A signature file is three short lines.
const MAX_SIGNATURE: usize = 1024;
/// Bytes read or written at a time: large enough for the disk, small enough for a 256 MB appliance.
pub(crate) const CHUNK: usize = 256 * 1024;

/// The payloads of a firmware that belong into a slot, with their names there.
pub(crate) fn slot_files(manifest: &Manifest) -> impl Iterator<Item = (&str, &Payload)> {
    let in_slot = |payload: &'_ Payload| {
        payload
            .name
            .strip_prefix(PREFIX)
            .is_some_and(|name| !name.contains('/'))
    };
    manifest
        .payloads
        .iter()
        .filter(move |payload| in_slot(payload))
        .filter_map(|payload| Some((payload.name.strip_prefix(PREFIX)?, payload)))
}

/// What a firmware is.
pub(crate) fn build_of(manifest: &Manifest, text: &[u8]) -> Build {
    Build {
        digest: Sha256Digest::of(text),
        version: manifest.version,
        channel: manifest.channel,
        build_id: manifest.build_id.clone(),
        build_time: manifest.build_time,
        development: manifest.development,
        boot_protocol: manifest.boot_protocol,
        data_layout: manifest.data_layout,
    }
}

/// How closely a slot is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Sizes.
    Sizes,
    /// Digests: reads everything.
    Digests,
}

/// What lies in a slot.
///
/// # Errors
/// When the folder of the slots cannot be read; what is wrong inside a slot is part of the answer.
pub(crate) fn content(slots: &Folder, number: SlotNumber, look: Look) -> io::Result<Content> {
    let name = number.to_string();
    match slots.kind(&name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::Empty),
        Err(error) => return Err(error),
        // Something else of that name holds no signature; it goes when the slot is emptied.
        Ok(Kind::File | Kind::Other) => return Ok(Content::Incomplete),
        Ok(Kind::Folder) => {}
    }
    let slot = match slots.folder(&name) {
        Ok(slot) => slot,
        Err(error) => return Ok(damaged(format!("it cannot be opened: {error}"))),
    };
    match slot.kind(SIGNATURE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(unsigned(&slot)),
        Err(error) => Ok(damaged(format!("{SIGNATURE} cannot be read: {error}"))),
        Ok(_) => Ok(signed(&slot, look).unwrap_or_else(damaged)),
    }
}

const fn damaged(reason: String) -> Content {
    Content::Damaged { reason }
}

fn unsigned(slot: &Folder) -> Content {
    match slot.entries() {
        Ok(names) if names.is_empty() => Content::Empty,
        Ok(_) | Err(_) => Content::Incomplete,
    }
}

/// The firmware in a slot with a signature, or what is wrong.
fn signed(slot: &Folder, look: Look) -> Result<Content, String> {
    let read = |name: &str, limit| slot.read(name, limit).map_err(|error| unreadable(name, &error));
    Signature::parse(&read(SIGNATURE, MAX_SIGNATURE)?).map_err(|error| error.to_string())?;
    let text = read(MANIFEST, manifest::MAX_SIZE)?;
    let manifest = Manifest::from_json(&text).map_err(|error| error.to_string())?;
    let mut total = text.len() as u64;
    for (name, payload) in slot_files(&manifest) {
        total += payload.size;
        let file = slot.file(name).map_err(|error| unreadable(name, &error))?;
        let size = file.metadata().map_err(|error| unreadable(name, &error))?.len();
        if size != payload.size {
            return Err(format!(
                "{name} has {size} bytes, the manifest says {}",
                payload.size
            ));
        }
        if look == Look::Digests {
            let found = digest(file).map_err(|error| unreadable(name, &error))?;
            if found != payload.sha256 {
                return Err(format!("{name} was changed"));
            }
        }
    }
    Ok(Content::Complete(Complete {
        build: build_of(&manifest, &text),
        size: total,
        staged_at: staged_at(slot).map_err(|error| unreadable(SIGNATURE, &error))?,
    }))
}

fn unreadable(name: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("{name} is missing"),
        _ => format!("{name} cannot be read: {error}"),
    }
}

fn staged_at(slot: &Folder) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let seconds = slot.file(SIGNATURE)?.metadata()?.mtime();
    Ok(u64::try_from(seconds).unwrap_or_default())
}

/// SHA-256 of the rest of a file.
pub(crate) fn digest(mut file: impl Read) -> io::Result<Sha256Digest> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Sha256Digest::new(hasher.finalize().into())),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
