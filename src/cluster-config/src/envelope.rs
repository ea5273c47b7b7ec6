//! Any bytes under a password: what a backup needs to be opened on another machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sps_config::{LEAST_CHARACTERS, Secret};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::cipher;
use crate::export::{COST, Cost, ExportError, SALT_BYTES};

/// What it is, and the number of its form.
const FORMAT: &str = "sps-envelope 1";
/// Longest that is made or opened, bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Why an envelope cannot be opened.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// It is none.
    #[error("it is damaged, or of a later firmware: take another backup, or upgrade first")]
    Form,
    /// Deriving the key: there is no memory.
    #[error("a key could not be derived from the password: try again when less is going on")]
    Derive,
    /// Another password, or it was changed.
    #[error("the password is wrong, or the backup was changed after it was made")]
    Wrong,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    format: String,
    argon2id: Cost,
    salt: String,
    payload: String,
}

fn covered(cost: Cost, salt: &str, about: &str) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&(FORMAT, cost, salt, about))
}

/// Encrypts `plain` with a password. What `about` says must be said again to open it.
///
/// # Errors
/// The password is too short, or there is no randomness or memory.
pub fn enclose(plain: &[u8], about: &str, password: &Secret) -> Result<String, ExportError> {
    if password.expose().chars().count() < LEAST_CHARACTERS {
        return Err(ExportError::TooShort);
    }
    if plain.len() > MOST_BYTES {
        return Err(ExportError::TooLarge);
    }
    let salt: [u8; SALT_BYTES] = cipher::random()?;
    let key = COST.derive(password, &salt).map_err(ExportError::Derive)?;
    let salt = STANDARD.encode(salt);
    let payload = cipher::encrypt(&key, &covered(COST, &salt, about)?, plain)?;
    Ok(serde_json::to_string(&Envelope {
        format: FORMAT.to_owned(),
        argon2id: COST,
        salt,
        payload: STANDARD.encode(payload),
    })?)
}

/// What [`enclose`] encrypted.
///
/// # Errors
/// It is none, the password or `about` is another, or it was changed.
pub fn disclose(text: &str, about: &str, password: &Secret) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    if text.len() > 2 * MOST_BYTES {
        return Err(OpenError::Form);
    }
    let envelope: Envelope = serde_json::from_str(text).map_err(|_| OpenError::Form)?;
    if envelope.format != FORMAT || !envelope.argon2id.is_bearable() {
        return Err(OpenError::Form);
    }
    let decoded = |text: &str| STANDARD.decode(text).map_err(|_| OpenError::Form);
    let (salt, payload) = (decoded(&envelope.salt)?, decoded(&envelope.payload)?);
    let key = envelope
        .argon2id
        .derive(password, &salt)
        .map_err(|_| OpenError::Derive)?;
    let covered = covered(envelope.argon2id, &envelope.salt, about).map_err(|_| OpenError::Form)?;
    cipher::decrypt(&key, &covered, &payload).ok_or(OpenError::Wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_with_the_password_for_what_it_is_about_and_unchanged() {
        let password = Secret::from("correct horse battery".to_owned());
        let text = enclose(b"the keys", "backup 7", &password).unwrap();
        assert!(!text.contains("the keys"));
        assert_eq!(
            disclose(&text, "backup 7", &password).unwrap().as_slice(),
            b"the keys"
        );
        let other = Secret::from("correct horse batterY".to_owned());
        assert_eq!(disclose(&text, "backup 7", &other).unwrap_err(), OpenError::Wrong);
        assert_eq!(
            disclose(&text, "backup 8", &password).unwrap_err(),
            OpenError::Wrong
        );
        let costly = text.replace("65536", "4294967295");
        assert_eq!(
            disclose(&costly, "backup 7", &password).unwrap_err(),
            OpenError::Form
        );
        for none in ["", "{}", &text[1..]] {
            assert_eq!(
                disclose(none, "backup 7", &password).unwrap_err(),
                OpenError::Form
            );
        }
        assert!(matches!(
            enclose(b"x", "y", &Secret::from("short".to_owned())),
            Err(ExportError::TooShort)
        ));
    }
}
