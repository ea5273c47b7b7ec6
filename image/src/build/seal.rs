//! Turns a set of files into a signed ISO, and a signed ISO with changed files into another.
//!
//! Invariants: the digests are those of the bytes as they lie in the finished image, so nothing that a writer
//! patches on the way escapes the signature; an image that leaves here has passed the same check every reader runs.

use std::collections::BTreeMap;

use thiserror::Error;

use super::iso::{self, IsoError};
use crate::archive::{self, ArchiveError, Entry, Tree};
use crate::hex::Sha256Digest;
use crate::iso9660::{self, Files, IsoReadError};
use crate::keys::{SecretKey, Trust};
use crate::manifest::{ImageDigest, Manifest, ManifestError, Payload};
use crate::names;
use crate::release::{Release, ReleaseError};
use crate::source::{self, Extent};
use crate::verify::{self, VerifyError};

/// The length of the manifest depends on the number of digits of the image's size and that on the length of the
/// manifest; two rounds settle it, a third is allowed for a size at the edge.
const MAX_ROUNDS: usize = 3;

/// Contents by path: every payload.
pub type Payloads = BTreeMap<String, Vec<u8>>;

/// What the sealer needs beside the payloads.
#[derive(Debug)]
pub struct Seal<'a> {
    /// The manifest; `image` and `payloads` are filled in here.
    pub manifest: Manifest,
    /// GRUB's `boot_hybrid.img`.
    pub boot_code: &'a [u8],
    /// The key to sign with.
    pub key: &'a SecretKey,
}

/// Why an image could not be sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// The ISO could not be written.
    #[error(transparent)]
    Iso(#[from] IsoError),
    /// The ISO just written cannot be read.
    #[error("the image just written cannot be read")]
    Read(#[from] IsoReadError),
    /// The bytes of the ISO just written cannot be read.
    #[error("the image just written cannot be hashed")]
    Hash(#[from] std::io::Error),
    /// The manifest breaks a rule.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The release file breaks a rule.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The archive of the release file could not be packed.
    #[error("cannot pack the release file")]
    Archive(#[from] ArchiveError),
    /// A file is not where it was put, or not as long.
    #[error("the image just written does not hold {name} as it was given")]
    Lost {
        /// The file.
        name: String,
    },
    /// The size of manifest and image do not settle.
    #[error("the sizes of manifest and image do not settle after {MAX_ROUNDS} rounds")]
    Unsettled,
    /// The finished image does not pass its own check.
    #[error("the finished image does not verify")]
    Verify(#[from] VerifyError),
}

/// Packs the signed release file as an archive of its own, to be unpacked over the root file system.
///
/// # Errors
/// When the release breaks a rule.
pub fn pack_release(release: &Release, key: &SecretKey) -> Result<Vec<u8>, SealError> {
    let text = release.to_json()?;
    let signature = key.sign(&text).to_text();
    let tree = Tree::from([
        ("etc".to_owned(), Entry::directory()),
        ("etc/sps".to_owned(), Entry::directory()),
        (names::RELEASE_FILE.to_owned(), Entry::file(text)),
        (names::RELEASE_SIGNATURE.to_owned(), Entry::file(signature)),
    ]);
    Ok(archive::write(&tree)?)
}

/// Writes and signs the ISO.
///
/// # Errors
/// When a rule of ISO or manifest is broken; the finished image is verified before it is returned.
pub fn seal(seal: &Seal<'_>, payloads: &Payloads) -> Result<Vec<u8>, SealError> {
    let (mut image, mut manifest) = lay_out(seal, payloads)?;
    let files = iso9660::read(&image)?;
    for payload in &mut manifest.payloads {
        payload.sha256 = source::digest(&image, extent(&files, &payload.name)?)?;
    }
    manifest.image.sha256 = verify::image_digest(&image, &files)?;
    let text = manifest.to_json()?;
    put(&mut image, &files, names::MANIFEST, &text)?;
    put(
        &mut image,
        &files,
        names::SIGNATURE,
        seal.key.sign(&text).to_text().as_bytes(),
    )?;
    verify::verify(&image, &Trust::only(seal.key.public()))?;
    Ok(image)
}

/// Lays the image out until the size it says is the size it has; digests are not yet filled in.
fn lay_out(seal: &Seal<'_>, payloads: &Payloads) -> Result<(Vec<u8>, Manifest), SealError> {
    let mut manifest = seal.manifest.clone();
    manifest.payloads = payloads
        .iter()
        .map(|(name, content)| unhashed(name, content))
        .collect();
    manifest.image = ImageDigest {
        size: payloads.values().map(|content| content.len() as u64).sum(),
        sha256: zeros(),
    };
    for _ in 0..MAX_ROUNDS {
        let text = manifest.to_json()?;
        let image = iso::write(&layout(seal, payloads, &text, &manifest))?;
        manifest.image.size = image.len() as u64;
        if manifest.to_json()?.len() == text.len() {
            return Ok((image, manifest));
        }
    }
    Err(SealError::Unsettled)
}

fn unhashed(name: &str, content: &[u8]) -> Payload {
    Payload {
        name: name.to_owned(),
        size: content.len() as u64,
        sha256: zeros(),
    }
}

const fn zeros() -> Sha256Digest {
    Sha256Digest::new([0; 32])
}

fn layout<'a>(
    seal: &Seal<'a>,
    payloads: &'a Payloads,
    manifest: &'a [u8],
    fields: &Manifest,
) -> iso::Layout<'a> {
    let mut files: Vec<(&str, &[u8])> = payloads
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    files.push((names::MANIFEST, manifest));
    files.push((names::SIGNATURE, EMPTY_SIGNATURE));
    let identity = Sha256Digest::of(fields.build_id.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *identity.as_bytes();
    iso::Layout {
        files,
        bios_image: names::BIOS_IMAGE,
        efi_image: names::EFI_IMAGE,
        boot_code: seal.boot_code,
        volume: names::VOLUME,
        epoch: fields.build_time,
        seed: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
    }
}

/// Holds the place of the signature file, whose size never changes.
const EMPTY_SIGNATURE: &[u8] = &[b' '; crate::keys::SIGNATURE_FILE_SIZE];

fn extent(files: &Files, name: &str) -> Result<Extent, SealError> {
    files.files.get(name).copied().ok_or_else(|| SealError::Lost {
        name: name.to_owned(),
    })
}

fn put(image: &mut [u8], files: &Files, name: &str, content: &[u8]) -> Result<(), SealError> {
    let extent = extent(files, name)?;
    let lost = || SealError::Lost {
        name: name.to_owned(),
    };
    let start = usize::try_from(extent.offset).map_err(|_| lost())?;
    let room = image
        .get_mut(start..)
        .and_then(|rest| rest.get_mut(..content.len()));
    match room {
        Some(room) if extent.size == content.len() as u64 => room.copy_from_slice(content),
        _ => return Err(lost()),
    }
    Ok(())
}
