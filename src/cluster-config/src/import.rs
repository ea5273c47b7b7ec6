//! Reading an export. Everything is judged before anything is handed out; nothing is changed here at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sps_config::Secret;
use thiserror::Error;

use crate::cipher;
use crate::cluster::{Cluster, LAYOUT};
use crate::export::{About, Body, Cost, FORM, FORMAT, File, MOST_BYTES, covered, digest};
use crate::lost::LostSecret;
use crate::record::{RecordError, typed};
use crate::seal;

/// A configuration that was read, and may be committed to a store.
#[derive(Debug)]
pub struct Imported {
    /// The document.
    pub document: Cluster,
    /// From where it comes.
    pub about: About,
    /// Layout that it had.
    pub layout: u32,
    /// What the migration from that layout dropped or changed; empty when there was none.
    pub notes: Vec<String>,
    /// Secrets that were left out and must be entered again.
    pub left_out: Vec<LostSecret>,
}

/// Why a file cannot be imported. Nothing has changed.
#[derive(Debug, Error)]
pub enum ImportError {
    /// It is too large.
    #[error("the file has {size} bytes, an export at most {MOST_BYTES}: choose the exported file")]
    TooLarge {
        /// Bytes found.
        size: usize,
    },
    /// It is something else, or torn.
    #[error("this is no exported configuration, or it is not complete: choose the file as it was exported")]
    NoExport,
    /// A later firmware made it.
    #[error(
        "the export was made by firmware {product} in form {form} with layout {layout}; this firmware reads form {FORM} with layouts up to {LAYOUT}: upgrade this appliance first"
    )]
    Newer {
        /// Version that made it.
        product: String,
        /// Its form.
        form: u32,
        /// Its layout.
        layout: u32,
    },
    /// There is no password.
    #[error("the export is encrypted: give the password that it was made with")]
    NeedsPassword,
    /// It asks for too much.
    #[error("the export asks for more memory or time than an appliance has: it was not made by one")]
    TooCostly,
    /// Deriving the key: there is no memory.
    #[error("could not derive a key from the password: {0}; try again when less is going on")]
    Derive(argon2::Error),
    /// The password is not the one, or the file was changed.
    #[error(
        "the password is not the one that the export was made with, or the file was changed: try again, or export again"
    )]
    Password,
    /// Its digest does not fit.
    #[error("the export was changed after it was made: export it again")]
    Changed,
    /// An earlier layout cannot be migrated.
    #[error("the export of layout {layout} cannot be taken over: {reason}")]
    Migration {
        /// Its layout.
        layout: u32,
        /// What the migration says.
        reason: String,
    },
    /// A value cannot be.
    #[error("the exported configuration is refused")]
    Document(#[source] RecordError),
    /// Taking it apart again.
    #[error("could not check the export: {0}")]
    Encode(serde_json::Error),
}

/// Reads an export. `migrate` takes a document of an earlier layout to [`LAYOUT`] and says what it dropped or changed; it is asked
/// only for such a document.
///
/// # Errors
/// Why the file cannot be imported.
pub fn import(
    bytes: &[u8],
    password: Option<&Secret>,
    migrate: impl FnOnce(&Value, u32) -> Result<(Value, Vec<String>), String>,
) -> Result<Imported, ImportError> {
    let file = taken_apart(bytes)?;
    let about = About {
        product: file.product.clone(),
        revision: file.revision,
    };
    let layout = file.layout;
    let mut written = document(bytes, file, &about, password)?;
    let read = migrated(&written, layout, migrate).and_then(|(document, notes)| judged(document, notes));
    seal::wipe(&mut written);
    let (document, notes, left_out) = read?;
    Ok(Imported {
        document,
        about,
        layout,
        notes,
        left_out,
    })
}

/// The file, when it is one and of a known layout.
fn taken_apart(bytes: &[u8]) -> Result<File, ImportError> {
    if bytes.len() > MOST_BYTES {
        return Err(ImportError::TooLarge { size: bytes.len() });
    }
    let open: Value = serde_json::from_slice(bytes).map_err(|_| ImportError::NoExport)?;
    let number = |key: &str| open.get(key).and_then(Value::as_u64);
    let (Some(FORMAT), Some(form), Some(layout)) = (
        open.get("format").and_then(Value::as_str),
        number("form"),
        number("layout"),
    ) else {
        return Err(ImportError::NoExport);
    };
    if form > u64::from(FORM) || layout > u64::from(LAYOUT) {
        let product = open.get("product").and_then(Value::as_str).unwrap_or("unknown");
        return Err(ImportError::Newer {
            product: product.chars().filter(|c| !c.is_control()).take(40).collect(),
            form: u32::try_from(form).unwrap_or(u32::MAX),
            layout: u32::try_from(layout).unwrap_or(u32::MAX),
        });
    }
    let file: File = serde_json::from_slice(bytes).map_err(|_| ImportError::NoExport)?;
    if file.form == FORM {
        Ok(file)
    } else {
        Err(ImportError::NoExport)
    }
}

/// The document as it was exported, when nothing of the file was changed.
fn document(
    bytes: &[u8],
    file: File,
    about: &About,
    password: Option<&Secret>,
) -> Result<Value, ImportError> {
    let canonical = matches!(file.body, Body::Plain { .. })
        || serde_json::to_vec(&file).map_err(ImportError::Encode)? == bytes;
    match file.body {
        Body::Plain { document, sha256 } => {
            let found = digest(about, file.layout, &document).map_err(ImportError::Encode)?;
            if found == sha256 {
                Ok(document)
            } else {
                Err(ImportError::Changed)
            }
        }
        // Every byte counts, also one that JSON would pass over.
        Body::Encrypted { .. } if !canonical => Err(ImportError::Changed),
        Body::Encrypted {
            argon2id,
            salt,
            payload,
        } => {
            let password = password.ok_or(ImportError::NeedsPassword)?;
            let covered = covered(about, file.layout, argon2id, &salt).map_err(ImportError::Encode)?;
            decrypted(password, argon2id, &salt, &covered, &payload)
        }
    }
}

fn decrypted(
    password: &Secret,
    cost: Cost,
    salt: &str,
    covered: &[u8],
    payload: &str,
) -> Result<Value, ImportError> {
    if !cost.is_bearable() {
        return Err(ImportError::TooCostly);
    }
    let bytes = |text: &str| STANDARD.decode(text).map_err(|_| ImportError::NoExport);
    let (salt, payload) = (bytes(salt)?, bytes(payload)?);
    let key = cost.derive(password, &salt).map_err(ImportError::Derive)?;
    let plain = cipher::decrypt(&key, covered, &payload).ok_or(ImportError::Password)?;
    serde_json::from_slice(&plain).map_err(|_| ImportError::NoExport)
}

fn migrated(
    written: &Value,
    layout: u32,
    migrate: impl FnOnce(&Value, u32) -> Result<(Value, Vec<String>), String>,
) -> Result<(Value, Vec<String>), ImportError> {
    if layout == LAYOUT {
        return Ok((written.clone(), Vec::new()));
    }
    migrate(written, layout).map_err(|reason| ImportError::Migration { layout, reason })
}

/// The document when it passes its checks, and the secrets that are missing. One that is encrypted with a key of elsewhere is of no
/// use here and is left out as well.
fn judged(
    mut written: Value,
    notes: Vec<String>,
) -> Result<(Cluster, Vec<String>, Vec<LostSecret>), ImportError> {
    seal::leave_out(&mut written, false);
    let left_out = seal::open(&mut written, None, "");
    let document = typed(&written);
    seal::wipe(&mut written);
    let document = document.map_err(ImportError::Document)?;
    document
        .check()
        .map_err(|error| ImportError::Document(error.into()))?;
    Ok((document, notes, left_out))
}

#[cfg(test)]
mod tests;
