//! Who this firmware is: the signed release file of the initramfs, checked against the keys beside it.
//!
//! The check finds damage, not an enemy: whoever can change the initramfs can change the keys too. Authenticity
//! is settled before, when running firmware verifies the manifest that names the whole initramfs.

use std::fs;
use std::io;

use sps_image::keys::{Signature, SignatureFormatError, Trust, TrustError};
use sps_image::release::{Release, ReleaseError};
use thiserror::Error;

const RELEASE: &str = "/etc/sps/release.json";
const SIGNATURE: &str = "/etc/sps/release.sig";
const TRUST: &str = "/etc/sps/trust.json";

/// Why the firmware does not know itself.
#[derive(Debug, Error)]
pub(crate) enum IdentityError {
    #[error("could not read {path}: the firmware is incomplete; write the ISO to its medium again")]
    Read {
        path: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{TRUST} is damaged; write the ISO to its medium again")]
    Trust(#[source] TrustError),
    #[error("{SIGNATURE} is damaged; write the ISO to its medium again")]
    SignatureFormat(#[source] SignatureFormatError),
    #[error("{RELEASE} is not signed with a key of this firmware; write the ISO to its medium again")]
    Signature,
    #[error("{RELEASE} is damaged; write the ISO to its medium again")]
    Release(#[source] ReleaseError),
}

/// Reads and checks the release file of the running firmware; with it come the keys that it trusts.
pub(crate) fn read() -> Result<(Release, Trust), IdentityError> {
    let trust = Trust::from_json(&load(TRUST)?).map_err(IdentityError::Trust)?;
    let release = load(RELEASE)?;
    let signature = Signature::parse(&load(SIGNATURE)?).map_err(IdentityError::SignatureFormat)?;
    let signed = trust
        .find(signature.key())
        .is_some_and(|key| key.verifies(&release, &signature));
    if !signed {
        return Err(IdentityError::Signature);
    }
    let release = Release::from_json(&release).map_err(IdentityError::Release)?;
    Ok((release, trust))
}

fn load(path: &'static str) -> Result<Vec<u8>, IdentityError> {
    fs::read(path).map_err(|source| IdentityError::Read { path, source })
}
