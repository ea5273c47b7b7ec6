//! The configuration as one file that another appliance can read: in plain without its secrets, or whole and encrypted with a
//! password.
//!
//! The file is JSON: product version, layout and revision stand in the open, so that people and programs can tell files apart. Everything
//! that stands there is covered: by the digest of a plain file, by the tag of an encrypted one.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sps_config::{LEAST_CHARACTERS, Secret};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::cipher::{self, CipherError, KEY_BYTES};
use crate::cluster::{Cluster, LAYOUT};
use crate::record::hex;
use crate::seal;

/// What the file is.
pub(crate) const FORMAT: &str = "sps-configuration";
/// Number of its form.
pub(crate) const FORM: u32 = 1;
/// Largest export that is made or read: some two thousand certificates. An appliance holds it in memory while it comes and goes.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of a salt (RFC 9106, 3.1).
pub(crate) const SALT_BYTES: usize = 16;
/// Most that a file may ask for: what the smallest appliance can spare for a moment. KiB, passes, lanes.
const MOST_COST: Cost = Cost {
    memory_kib: 128 * 1024,
    passes: 8,
    lanes: 4,
};
/// What new files ask for: RFC 9106's second choice, for machines with little memory. KiB, passes, lanes.
pub(crate) const COST: Cost = Cost {
    memory_kib: 64 * 1024,
    passes: 3,
    lanes: 4,
};

/// From where an export comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Version of the firmware.
    pub product: String,
    /// Revision of the configuration.
    pub revision: u64,
}

/// Why there is no export.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The password is too short.
    #[error("the password is too short: use at least {LEAST_CHARACTERS} characters")]
    TooShort,
    /// The system gives no randomness.
    #[error("could not encrypt the export")]
    Encrypt(#[from] CipherError),
    /// Deriving the key: there is no memory.
    #[error("could not derive a key from the password: {0}; try again when less is going on")]
    Derive(argon2::Error),
    /// Writing it out.
    #[error("could not write the configuration out: {0}")]
    Encode(#[from] serde_json::Error),
    /// It is too large.
    #[error(
        "the configuration is larger than {MOST_BYTES} bytes and cannot be exported: remove certificates that nobody uses"
    )]
    TooLarge,
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) format: String,
    pub(crate) form: u32,
    pub(crate) product: String,
    pub(crate) layout: u32,
    pub(crate) revision: u64,
    pub(crate) body: Body,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Body {
    /// Secrets are left out.
    Plain {
        document: Value,
        /// SHA-256 over the rest of the file, hexadecimal.
        sha256: String,
    },
    /// AES-256-GCM with a key of a password.
    Encrypted {
        /// Cost of argon2id, version 19.
        argon2id: Cost,
        /// Base64.
        salt: String,
        /// The document as JSON, encrypted, base64.
        payload: String,
    },
}

/// What deriving a key costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    pub(crate) const fn is_bearable(self) -> bool {
        self.memory_kib <= MOST_COST.memory_kib
            && self.passes <= MOST_COST.passes
            && self.lanes <= MOST_COST.lanes
    }

    /// Next to nothing, for tests that try thousands of files.
    #[cfg(test)]
    pub(crate) const fn least() -> Self {
        Self {
            memory_kib: 8,
            passes: 1,
            lanes: 1,
        }
    }

    /// The key of a password.
    pub(crate) fn derive(
        self,
        password: &Secret,
        salt: &[u8],
    ) -> Result<Zeroizing<[u8; KEY_BYTES]>, argon2::Error> {
        let parameters = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_BYTES))?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        argon2.hash_password_into(password.expose().as_bytes(), salt, key.as_mut())?;
        Ok(key)
    }
}

/// The configuration in plain, with a mark in place of each secret.
///
/// # Errors
/// It is too large.
pub fn export_plain(document: &Cluster, about: &About) -> Result<Vec<u8>, ExportError> {
    let mut written = serde_json::to_value(document)?;
    seal::leave_out(&mut written, true);
    let sha256 = digest(about, LAYOUT, &written)?;
    let body = Body::Plain {
        document: written,
        sha256,
    };
    let mut bytes = serde_json::to_vec_pretty(&file(about, body))?;
    bytes.push(b'\n');
    bounded(bytes)
}

/// The whole configuration, encrypted with a password. Secrets that this appliance cannot open are left out.
///
/// # Errors
/// The password is too short, the configuration too large, or there is no randomness or memory.
pub fn export_encrypted(
    document: &Cluster,
    about: &About,
    password: &Secret,
) -> Result<Vec<u8>, ExportError> {
    encrypted(document, about, password, COST)
}

pub(crate) fn encrypted(
    document: &Cluster,
    about: &About,
    password: &Secret,
    cost: Cost,
) -> Result<Vec<u8>, ExportError> {
    let mut written = serde_json::to_value(document)?;
    seal::leave_out(&mut written, false);
    let plain = serde_json::to_vec(&written).map(Zeroizing::new);
    seal::wipe(&mut written);
    encrypted_text(&plain?, LAYOUT, about, password, cost)
}

/// Any document as JSON, of any layout.
pub(crate) fn encrypted_text(
    plain: &[u8],
    layout: u32,
    about: &About,
    password: &Secret,
    cost: Cost,
) -> Result<Vec<u8>, ExportError> {
    if password.expose().chars().count() < LEAST_CHARACTERS {
        return Err(ExportError::TooShort);
    }
    let salt: [u8; SALT_BYTES] = cipher::random()?;
    let key = cost.derive(password, &salt).map_err(ExportError::Derive)?;
    let salt = STANDARD.encode(salt);
    let covered = covered(about, layout, cost, &salt)?;
    let payload = STANDARD.encode(cipher::encrypt(&key, &covered, plain)?);
    let body = Body::Encrypted {
        argon2id: cost,
        salt,
        payload,
    };
    bounded(serde_json::to_vec(&File {
        layout,
        ..file(about, body)
    })?)
}

fn file(about: &About, body: Body) -> File {
    File {
        format: FORMAT.to_owned(),
        form: FORM,
        product: about.product.clone(),
        layout: LAYOUT,
        revision: about.revision,
        body,
    }
}

fn bounded(bytes: Vec<u8>) -> Result<Vec<u8>, ExportError> {
    if bytes.len() > MOST_BYTES {
        Err(ExportError::TooLarge)
    } else {
        Ok(bytes)
    }
}

/// What stands in the open of an encrypted file, as it is covered by the tag.
pub(crate) fn covered(
    about: &About,
    layout: u32,
    cost: Cost,
    salt: &str,
) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&(FORMAT, FORM, &about.product, layout, about.revision, cost, salt))
}

/// Digest of a plain file.
pub(crate) fn digest(about: &About, layout: u32, document: &Value) -> Result<String, serde_json::Error> {
    let covered = (FORMAT, FORM, &about.product, layout, about.revision, document);
    Ok(hex(&Sha256::digest(serde_json::to_vec(&covered)?)))
}
