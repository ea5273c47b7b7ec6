//! Another firmware from an existing one: only the release file, the manifest and the signatures are made anew.
//!
//! Invariant: every other payload is copied byte for byte; nothing is compiled or compressed.

use thiserror::Error;

use super::iso;
use super::seal::{self, Payloads, Seal, SealError};
use crate::hex::{self, Sha256Digest};
use crate::keys::{SecretKey, Trust};
use crate::manifest::Manifest;
use crate::names;
use crate::release::Release;
use crate::source::{self, Source};
use crate::upgrade_path::Rule;
use crate::verify::{self, Verified, VerifyError};
use crate::version::Version;

/// What shall differ; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Version; the channel follows.
    pub version: Option<Version>,
    /// Build id; without one it is derived from the old id and the changes.
    pub build_id: Option<String>,
    /// Build time, seconds since 1970.
    pub build_time: Option<u64>,
    /// Faults for tests; development builds only.
    pub faults: Option<Vec<String>>,
    /// Number of the data layout.
    pub data_layout: Option<u32>,
    /// Protocol between boot loader and firmware.
    pub boot_protocol: Option<u32>,
    /// Supported hardware types.
    pub hardware: Option<Vec<String>>,
    /// From which versions it may be reached.
    pub upgrade_from: Option<Vec<Rule>>,
}

/// Why an image could not be repacked.
#[derive(Debug, Error)]
pub enum RepackError {
    /// The given image is not good.
    #[error("the image to repack is not good")]
    Verify(#[from] VerifyError),
    /// A payload of the given image cannot be read.
    #[error("cannot read {name} of the image to repack")]
    Read {
        /// The payload.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The new image could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Makes a new image from `image`, which must be signed with a key of `trust`, and signs it with `key`.
///
/// The keys the new firmware trusts are those of the old one: its root file system is not touched.
///
/// # Errors
/// When the given image is refused or a change breaks a rule.
pub fn repack(
    image: &(impl Source + ?Sized),
    trust: &Trust,
    changes: &Changes,
    key: &SecretKey,
) -> Result<Vec<u8>, RepackError> {
    let verified = verify::verify(image, trust)?;
    let release = release(&verified, changes, key);
    let manifest = manifest(&verified, &release, changes);
    let mut payloads = Payloads::new();
    for payload in &verified.manifest.payloads {
        payloads.insert(payload.name.clone(), content(image, &verified, &payload.name)?);
    }
    payloads.insert(names::RELEASE.to_owned(), seal::pack_release(&release, key)?);
    let mut boot_code = vec![0; iso::BOOT_CODE_SIZE];
    let failed = |source| RepackError::Read {
        name: "the boot sector".to_owned(),
        source,
    };
    image.read_at(0, &mut boot_code).map_err(failed)?;
    Ok(seal::seal(
        &Seal {
            manifest,
            boot_code: &boot_code,
            key,
        },
        &payloads,
    )?)
}

fn content(image: &(impl Source + ?Sized), verified: &Verified, name: &str) -> Result<Vec<u8>, RepackError> {
    let failed = |source| RepackError::Read {
        name: name.to_owned(),
        source,
    };
    let extent = verified
        .files
        .files
        .get(name)
        .ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
    source::read(image, *extent).map_err(failed)
}

fn release(verified: &Verified, changes: &Changes, key: &SecretKey) -> Release {
    let old = verified.release.clone();
    let version = changes.version.unwrap_or(old.version);
    Release {
        version,
        channel: version.channel(),
        build_id: changes
            .build_id
            .clone()
            .unwrap_or_else(|| derived_id(&old.build_id, changes)),
        build_time: changes.build_time.unwrap_or(old.build_time),
        development: key.public().is_development(),
        faults: changes.faults.clone().unwrap_or_else(|| old.faults.clone()),
        ..old
    }
}

fn manifest(verified: &Verified, release: &Release, changes: &Changes) -> Manifest {
    let old = verified.manifest.clone();
    Manifest {
        version: release.version,
        channel: release.channel,
        build_id: release.build_id.clone(),
        build_time: release.build_time,
        development: release.development,
        data_layout: changes.data_layout.unwrap_or(old.data_layout),
        boot_protocol: changes.boot_protocol.unwrap_or(old.boot_protocol),
        hardware: changes.hardware.clone().unwrap_or_else(|| old.hardware.clone()),
        upgrade_from: changes
            .upgrade_from
            .clone()
            .unwrap_or_else(|| old.upgrade_from.clone()),
        ..old
    }
}

/// As long as the ids of builds, so that pages and tests need not tell them apart.
fn derived_id(old: &str, changes: &Changes) -> String {
    let digest = Sha256Digest::of(format!("{old} {changes:?}").as_bytes());
    hex::encode(&digest.as_bytes()[..super::bundle::BUILD_ID_SIZE])
}
