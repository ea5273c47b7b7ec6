//! The licence file: a header line, JSON, and the three lines of a signature over everything before them.

use sps_image::keys::{KeyId, SIGNATURE_FILE_SIZE, SecretKey, Signature};
use thiserror::Error;

use crate::keys::{self, Keys};
use crate::licence::{FieldError, Licence};

/// Longest licence file; a licence has some 700 bytes.
pub const MAX_SIZE: usize = 64 * 1024;
/// First line. It is signed with the rest, so that nothing else signed with the same key is a licence; a new format has
/// another number.
const HEADER: &str = "sps-licence-1\n";

/// Why a licence file is refused.
#[derive(Debug, Error)]
pub enum LicenceError {
    /// It is too long.
    #[error("the file has {size} bytes, a licence at most {MAX_SIZE}: upload the licence file itself")]
    TooLong {
        /// Bytes found.
        size: usize,
    },
    /// It is something else.
    #[error("this is no licence file: it must begin with the line {:?} and end with its signature; upload it as you got it", HEADER.trim_end())]
    NoLicence,
    /// It is of a format this code does not know.
    #[error("this licence has a newer form than this firmware knows: upgrade first, then upload it")]
    Newer,
    /// Everybody can make such licences.
    #[error(
        "this licence is signed with the published development key: only development firmware accepts it"
    )]
    Development,
    /// The key is not accepted.
    #[error(
        "this licence is signed with the key {key}, which this firmware does not know: ask for one made for this product"
    )]
    UnknownKey {
        /// Its key.
        key: KeyId,
    },
    /// The bytes are not those signed.
    #[error("this licence was changed after it was signed: upload it as you got it")]
    Signature,
    /// A field is missing, unknown or of the wrong type.
    #[error("the licence cannot be read: {field}")]
    Json {
        /// The field.
        field: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A field breaks a rule.
    #[error("the licence is refused")]
    Field(#[from] FieldError),
}

impl Licence {
    /// The file, signed with `key`.
    ///
    /// # Errors
    /// When a field breaks a rule.
    pub fn to_text(&self, key: &SecretKey) -> Result<String, LicenceError> {
        self.check()?;
        let json = serde_json::to_string_pretty(self).map_err(|source| LicenceError::Json {
            field: ".".to_owned(),
            source,
        })?;
        let signed = format!("{HEADER}{json}\n");
        let signature = key.sign(signed.as_bytes()).to_text();
        Ok(signed + &signature)
    }

    /// Reads a licence file.
    ///
    /// # Errors
    /// When it is too long, no licence, not signed with one of `keys`, or a field breaks a rule.
    pub fn parse(file: &[u8], keys: &Keys) -> Result<Self, LicenceError> {
        let (signed, signature) = taken_apart(file)?;
        let id = signature.key();
        let Some(key) = keys.find(id) else {
            return Err(if id == keys::development().public().id() {
                LicenceError::Development
            } else {
                LicenceError::UnknownKey { key: id }
            });
        };
        if !key.verifies(signed, &signature) {
            return Err(LicenceError::Signature);
        }
        let licence = json(&signed[HEADER.len()..])?;
        licence.check()?;
        Ok(licence)
    }
}

/// What is signed, and the signature.
fn taken_apart(file: &[u8]) -> Result<(&[u8], Signature), LicenceError> {
    if file.len() > MAX_SIZE {
        return Err(LicenceError::TooLong { size: file.len() });
    }
    let end = file.len().checked_sub(SIGNATURE_FILE_SIZE);
    let (signed, signature) = file.split_at(end.ok_or(LicenceError::NoLicence)?);
    let signature = Signature::parse(signature).map_err(|_| LicenceError::NoLicence)?;
    if signed.starts_with(HEADER.as_bytes()) {
        return Ok((signed, signature));
    }
    Err(if signed.starts_with(b"sps-licence-") {
        LicenceError::Newer
    } else {
        LicenceError::NoLicence
    })
}

fn json(text: &[u8]) -> Result<Licence, LicenceError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let licence = serde_path_to_error::deserialize(&mut reader).map_err(|error| LicenceError::Json {
        field: error.path().to_string(),
        source: error.into_inner(),
    })?;
    reader.end().map_err(|source| LicenceError::Json {
        field: ".".to_owned(),
        source,
    })?;
    Ok(licence)
}
