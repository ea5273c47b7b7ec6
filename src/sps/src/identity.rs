//! Who this firmware is: the signed release file of the initramfs, checked against the keys beside it.
//!
//! The check finds damage, not an enemy: whoever can change the initramfs can change the keys too. Authenticity
//! is settled before, when running firmware verifies the manifest that names the whole initramfs.

use std::fs;
use std::io;

use sps_image::keys::{Signature, SignatureFormatError, Trust, TrustError};
use sps_image::release::{Release, ReleaseError};
use sps_licence::{Keys, KeysError};
use thiserror::Error;

const RELEASE: &str = "/etc/sps/release.json";
const SIGNATURE: &str = "/etc/sps/release.sig";
const TRUST: &str = "/etc/sps/trust.json";
const LICENCE_TRUST: &str = "/etc/sps/licence-trust.json";

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
    #[error("{LICENCE_TRUST} is damaged; write the ISO to its medium again")]
    LicenceTrust(#[source] TrustError),
    #[error("{LICENCE_TRUST} lists a key that no firmware like this may have")]
    LicenceKeys(#[source] KeysError),
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

/// Reads the keys that it takes licences of.
pub(crate) fn licence_keys(development: bool) -> Result<Keys, IdentityError> {
    let trust = Trust::from_json(&load(LICENCE_TRUST)?).map_err(IdentityError::LicenceTrust)?;
    Keys::new(trust, development).map_err(IdentityError::LicenceKeys)
}

fn load(path: &'static str) -> Result<Vec<u8>, IdentityError> {
    fs::read(path).map_err(|source| IdentityError::Read { path, source })
}
