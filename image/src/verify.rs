//! Judges a firmware image: signature first, then every byte of it.
//!
//! Invariants: nothing of the manifest is looked at before its signature is good; an image that passes has no
//! byte that the signature does not cover; every finding names the file and says what is wrong with it. Reads
//! only; trusts only the keys it is given.

use std::io;

use thiserror::Error;

use crate::archive;
use crate::hex::Sha256Digest;
use crate::iso9660::{self, Files, IsoReadError};
use crate::keys::{KeyId, PublicKey, Signature, SignatureFormatError, Trust};
use crate::manifest::{self, Manifest, ManifestError};
use crate::names;
use crate::release::{self, Release};
use crate::source::{self, Extent, Source};

/// A signature file is three short lines.
const MAX_SIGNATURE: u64 = 1024;
/// The archive of the release file: a few kilobytes.
const MAX_RELEASE: u64 = 256 * 1024;

/// A firmware image that passed every check.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The manifest.
    pub manifest: Manifest,
    /// The release file inside.
    pub release: Release,
    /// The key it is signed with.
    pub key: PublicKey,
    /// Where each file lies.
    pub files: Files,
}

/// Why an image was not accepted.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The bytes could not be read: nothing is known about the image.
    #[error("the image cannot be read")]
    Unreadable(#[from] io::Error),
    /// The image is refused.
    #[error("the image is refused")]
    Refused(#[source] Refusal),
}

/// What is wrong with an image.
#[derive(Debug, Error)]
pub enum Refusal {
    /// Not an ISO, truncated or damaged.
    #[error(transparent)]
    Iso(IsoReadError),
    /// It is some other ISO.
    #[error("this ISO holds no {}: it is not firmware of this product", names::MANIFEST)]
    NoManifest,
    /// There is no signature.
    #[error("the firmware is not signed: {} is missing", names::SIGNATURE)]
    Unsigned,
    /// The signature file is not one.
    #[error(transparent)]
    SignatureFormat(#[from] SignatureFormatError),
    /// It is signed with a key that is not trusted.
    #[error("the firmware is signed with the unknown key {key}; to trust it, give its public key with --key")]
    UnknownKey {
        /// Id of that key.
        key: KeyId,
    },
    /// The signature does not fit the manifest.
    #[error("the signature of key {key} is bad: the manifest or the signature was changed")]
    BadSignature {
        /// Id of the key.
        key: KeyId,
    },
    /// The manifest breaks a rule.
    #[error(transparent)]
    Manifest(ManifestError),
    /// The development flag and the key do not agree.
    #[error("{}", development_text(*flag, *key))]
    Development {
        /// What the manifest says.
        flag: bool,
        /// Id of the key.
        key: KeyId,
    },
    /// Files are missing, too many, or differ from what was signed.
    #[error("{}", sentences(.0))]
    Content(Vec<Fault>),
}

fn development_text(flag: bool, key: KeyId) -> String {
    if flag {
        format!("it says it is a development build, but is signed with the release key {key}")
    } else {
        format!("it says it is a release, but is signed with the published development key {key}")
    }
}

fn sentences(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// What is wrong with one file of a signed image.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// A payload is not there.
    #[error("{name} is missing")]
    Missing {
        /// The payload.
        name: String,
    },
    /// There is a file nobody signed.
    #[error("{name} is not listed in the manifest")]
    Extra {
        /// The file.
        name: String,
    },
    /// A size is not the one signed.
    #[error("{name} has {found} bytes, the manifest says {signed}")]
    Size {
        /// The payload, or `the image`.
        name: String,
        /// Bytes found.
        found: u64,
        /// Bytes signed.
        signed: u64,
    },
    /// A content is not the one signed.
    #[error("{name} was changed: its SHA-256 is {found}, the manifest says {signed}")]
    Digest {
        /// The payload.
        name: String,
        /// SHA-256 found.
        found: Sha256Digest,
        /// SHA-256 signed.
        signed: Sha256Digest,
    },
    /// Bytes outside every payload are not the ones signed.
    #[error(
        "bytes outside the listed files were changed: boot sector, partition table, directories or padding"
    )]
    Structure,
    /// The release file is not one, or not of this firmware.
    #[error("{} is refused: {reason}", names::RELEASE)]
    Release {
        /// Why.
        reason: String,
    },
}

impl From<Refusal> for VerifyError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<IsoReadError> for VerifyError {
    fn from(error: IsoReadError) -> Self {
        match error {
            IsoReadError::Io(source) => Self::Unreadable(source),
            refused => Self::Refused(Refusal::Iso(refused)),
        }
    }
}

/// Checks a whole image.
///
/// # Errors
/// When it cannot be read, or is refused.
pub fn verify(source: &(impl Source + ?Sized), trust: &Trust) -> Result<Verified, VerifyError> {
    let files = iso9660::read(source)?;
    let signed = signed_manifest(source, &files)?;
    let key = trust.find(signed.signature.key()).ok_or(Refusal::UnknownKey {
        key: signed.signature.key(),
    })?;
    if !key.verifies(&signed.manifest, &signed.signature) {
        return Err(Refusal::BadSignature { key: key.id() }.into());
    }
    let manifest = Manifest::from_json(&signed.manifest).map_err(Refusal::Manifest)?;
    if manifest.development != key.is_development() {
        return Err(Refusal::Development {
            flag: manifest.development,
            key: key.id(),
        }
        .into());
    }
    let mut faults = content_faults(source, &files, &manifest)?;
    if faults.is_empty() && !structure_is_signed(source, &files, &manifest)? {
        faults.push(Fault::Structure);
    }
    if !faults.is_empty() {
        return Err(Refusal::Content(faults).into());
    }
    let release = read_release(source, &files, &manifest, &key)?;
    Ok(Verified {
        manifest,
        release,
        key,
        files,
    })
}

/// The manifest as it lies in an image, not yet trusted.
#[derive(Clone, Debug)]
pub(crate) struct SignedManifest {
    pub(crate) manifest: Vec<u8>,
    pub(crate) signature: Signature,
}

/// Reads manifest and signature without believing them.
pub(crate) fn signed_manifest(
    source: &(impl Source + ?Sized),
    files: &Files,
) -> Result<SignedManifest, VerifyError> {
    let manifest = *files.files.get(names::MANIFEST).ok_or(Refusal::NoManifest)?;
    let signature = *files.files.get(names::SIGNATURE).ok_or(Refusal::Unsigned)?;
    if manifest.size > manifest::MAX_SIZE as u64 {
        let size = usize::try_from(manifest.size).unwrap_or(usize::MAX);
        return Err(Refusal::Manifest(ManifestError::TooLong { size }).into());
    }
    if signature.size > MAX_SIGNATURE {
        return Err(Refusal::SignatureFormat(SignatureFormatError).into());
    }
    let manifest = source::read(source, manifest)?;
    let signature = Signature::parse(&source::read(source, signature)?).map_err(Refusal::SignatureFormat)?;
    Ok(SignedManifest { manifest, signature })
}

fn content_faults(
    source: &(impl Source + ?Sized),
    files: &Files,
    manifest: &Manifest,
) -> io::Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for name in files.files.keys() {
        if ![names::MANIFEST, names::SIGNATURE].contains(&name.as_str()) && manifest.payload(name).is_none() {
            faults.push(Fault::Extra { name: name.clone() });
        }
    }
    for payload in &manifest.payloads {
        faults.extend(payload_fault(
            source,
            files.files.get(&payload.name).copied(),
            payload,
        )?);
    }
    if files.size != manifest.image.size {
        faults.push(Fault::Size {
            name: "the image".to_owned(),
            found: files.size,
            signed: manifest.image.size,
        });
    }
    Ok(faults)
}

fn payload_fault(
    source: &(impl Source + ?Sized),
    extent: Option<Extent>,
    payload: &manifest::Payload,
) -> io::Result<Option<Fault>> {
    let name = payload.name.clone();
    let Some(extent) = extent else {
        return Ok(Some(Fault::Missing { name }));
    };
    if extent.size != payload.size {
        return Ok(Some(Fault::Size {
            name,
            found: extent.size,
            signed: payload.size,
        }));
    }
    let found = source::digest(source, extent)?;
    Ok((found != payload.sha256).then_some(Fault::Digest {
        name,
        found,
        signed: payload.sha256,
    }))
}

/// The digest of the whole image, manifest and signature taken as zeros; see [`manifest::ImageDigest`].
pub(crate) fn image_digest(source: &(impl Source + ?Sized), files: &Files) -> io::Result<Sha256Digest> {
    let hole = |name| files.files.get(name).copied();
    let holes: Vec<Extent> = [names::MANIFEST, names::SIGNATURE]
        .into_iter()
        .filter_map(hole)
        .collect();
    source::digest_without(
        source,
        Extent {
            offset: 0,
            size: files.size,
        },
        &holes,
    )
}

fn structure_is_signed(
    source: &(impl Source + ?Sized),
    files: &Files,
    manifest: &Manifest,
) -> io::Result<bool> {
    Ok(image_digest(source, files)? == manifest.image.sha256)
}

fn read_release(
    source: &(impl Source + ?Sized),
    files: &Files,
    manifest: &Manifest,
    key: &PublicKey,
) -> Result<Release, VerifyError> {
    let extent = files
        .files
        .get(names::RELEASE)
        .filter(|extent| extent.size <= MAX_RELEASE);
    let refused = |reason: String| Refusal::Content(vec![Fault::Release { reason }]);
    let extent = *extent.ok_or_else(|| refused("it is too large".to_owned()))?;
    let bytes = source::read(source, extent)?;
    let release = unpack_release(&bytes, key).map_err(refused)?;
    let same = release.version == manifest.version
        && release.build_id == manifest.build_id
        && release.build_time == manifest.build_time
        && release.development == manifest.development;
    if same {
        Ok(release)
    } else {
        Err(refused("it is of another build than the manifest".to_owned()).into())
    }
}

fn unpack_release(bytes: &[u8], key: &PublicKey) -> Result<Release, String> {
    let tree = archive::read(bytes).map_err(|error| error.to_string())?;
    let file = |path: &str| match tree.get(path).map(|entry| &entry.kind) {
        Some(archive::Kind::File(content)) => Ok(content),
        _ => Err(format!("{path} is missing")),
    };
    let (text, signature) = (file(names::RELEASE_FILE)?, file(names::RELEASE_SIGNATURE)?);
    let signature = Signature::parse(signature).map_err(|error| error.to_string())?;
    if !key.verifies(text, &signature) {
        return Err("its own signature is bad".to_owned());
    }
    release::Release::from_json(text).map_err(|error| error.to_string())
}
