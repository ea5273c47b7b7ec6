//! Ed25519 keys and detached signatures (RFC 8032), and the set of keys an appliance trusts.
//!
//! Invariants: every check is `verify_strict` (no small-order keys, no second encoding of a signature); a secret
//! key is wiped from memory when it is dropped and never printed. No files and no randomness here.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::hex;

/// Bytes of a public key, and of the seed that is a secret key.
pub const KEY_SIZE: usize = 32;
/// Bytes of a signature.
pub const SIGNATURE_SIZE: usize = 64;
/// Bytes of a key id: the beginning of the public key's SHA-256.
const KEY_ID_SIZE: usize = 8;
/// The seed of the development key. It is public on purpose: whoever has this source can sign with it, so a
/// signature made with it says nothing about who made a firmware.
const DEVELOPMENT_SEED: &[u8; KEY_SIZE] = b"sps development key, not secret!";

const SIGNATURE_HEADER: &str = "sps-signature-1 ed25519";
/// Bytes of every signature file.
pub const SIGNATURE_FILE_SIZE: usize = "sps-signature-1 ed25519\nkey-id \nsignature \n".len() + 16 + 128;

/// Which key: the first eight bytes of the SHA-256 of the public key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; KEY_ID_SIZE]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A detached signature and the id of the key that is said to have made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    key: KeyId,
    bytes: [u8; SIGNATURE_SIZE],
}

/// The text is no signature file.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "not a signature file: it must be the three lines `{SIGNATURE_HEADER}`, `key-id …` and `signature …`"
)]
pub struct SignatureFormatError;

impl Signature {
    /// The key that is said to have made it.
    #[must_use]
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// The signature file: three lines of fixed length, so every signature file has the same size.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "{SIGNATURE_HEADER}\nkey-id {}\nsignature {}\n",
            self.key,
            hex::encode(&self.bytes)
        )
    }

    /// Reads a signature file; nothing but the exact form written by [`Self::to_text`] is accepted.
    ///
    /// # Errors
    /// When the text has any other form.
    pub fn parse(text: &[u8]) -> Result<Self, SignatureFormatError> {
        let fields = || -> Option<Self> {
            let text = std::str::from_utf8(text).ok()?;
            let (header, rest) = text.split_once('\n')?;
            let (key, rest) = rest.strip_prefix("key-id ")?.split_once('\n')?;
            let signature = rest.strip_prefix("signature ")?.strip_suffix('\n')?;
            if header != SIGNATURE_HEADER {
                return None;
            }
            Some(Self {
                key: KeyId(hex::decode(key)?),
                bytes: hex::decode(signature)?,
            })
        };
        fields().ok_or(SignatureFormatError)
    }
}

/// A public key.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(VerifyingKey);

/// The text or bytes are no public key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not an ed25519 public key: 64 lower-case hexadecimal digits of a point on the curve are expected")]
pub struct PublicKeyError;

impl PublicKey {
    /// The key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest = hex::Sha256Digest::of(self.0.as_bytes());
        let mut id = [0; KEY_ID_SIZE];
        id.copy_from_slice(&digest.as_bytes()[..KEY_ID_SIZE]);
        KeyId(id)
    }

    /// Whether `signature` was made over exactly `message` with the secret half of this key.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let bytes = ed25519_dalek::Signature::from_bytes(&signature.bytes);
        self.id() == signature.key && self.0.verify_strict(message, &bytes).is_ok()
    }

    /// Whether this is the published development key.
    #[must_use]
    pub fn is_development(&self) -> bool {
        *self == SecretKey::development().public()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl TryFrom<String> for PublicKey {
    type Error = PublicKeyError;

    fn try_from(text: String) -> Result<Self, PublicKeyError> {
        let bytes: [u8; KEY_SIZE] = hex::decode(&text).ok_or(PublicKeyError)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| PublicKeyError)?;
        if key.is_weak() {
            Err(PublicKeyError)
        } else {
            Ok(Self(key))
        }
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

/// A secret key. Wiped on drop; `Debug` shows the id of its public half only.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key made of a seed of 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; KEY_SIZE]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The published, constant development key. Firmware signed with it is marked as a development build.
    #[must_use]
    pub fn development() -> Self {
        Self::from_seed(DEVELOPMENT_SEED)
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs exactly these bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature {
            key: self.public().id(),
            bytes: self.0.sign(message).to_bytes(),
        }
    }

    pub(crate) fn seed(&self) -> &[u8; KEY_SIZE] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {:?})", self.public().id())
    }
}

/// The keys firmware may be signed with: today's and the one that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// The key firmware is signed with now.
    pub current: PublicKey,
    /// The key firmware will be signed with once `current` retires.
    pub next: Option<PublicKey>,
}

/// The text is no trust file.
#[derive(Debug, Error)]
#[error("the list of trusted keys cannot be read")]
pub struct TrustError(#[from] serde_json::Error);

impl Trust {
    /// Trusts one key.
    #[must_use]
    pub const fn only(current: PublicKey) -> Self {
        Self { current, next: None }
    }

    /// The trusted key with this id.
    #[must_use]
    pub fn find(&self, id: KeyId) -> Option<PublicKey> {
        [Some(self.current), self.next]
            .into_iter()
            .flatten()
            .find(|key| key.id() == id)
    }

    /// The file kept at [`crate::names::TRUST_FILE`].
    ///
    /// # Errors
    /// Never in practice: the fields are plain texts.
    pub fn to_json(&self) -> Result<String, TrustError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads the file kept at [`crate::names::TRUST_FILE`].
    ///
    /// # Errors
    /// When it is not exactly a current and a next key.
    pub fn from_json(text: &[u8]) -> Result<Self, TrustError> {
        Ok(serde_json::from_slice(text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_development_key_never_changes() {
        let public = SecretKey::development().public();
        insta::assert_snapshot!(format!("{public} id {}", public.id()));
    }

    #[test]
    fn a_signature_is_for_one_message_and_one_key() {
        let key = SecretKey::development();
        let other = SecretKey::from_seed(&[7; KEY_SIZE]);
        let signature = key.sign(b"message");
        assert!(key.public().verifies(b"message", &signature));
        assert!(!key.public().verifies(b"massage", &signature));
        assert!(!other.public().verifies(b"message", &signature));
    }

    #[test]
    fn a_signature_file_has_one_form() {
        let text = SecretKey::development().sign(b"message").to_text();
        assert_eq!(text.len(), SIGNATURE_FILE_SIZE);
        assert_eq!(Signature::parse(text.as_bytes()).unwrap().to_text(), text);
        for bad in [
            text.replace('\n', "\r\n"),
            text.to_uppercase(),
            format!("{text}\n"),
            text[1..].to_owned(),
            String::new(),
        ] {
            assert_eq!(
                Signature::parse(bad.as_bytes()),
                Err(SignatureFormatError),
                "{bad:?} was taken"
            );
        }
    }

    #[test]
    fn weak_keys_are_refused() {
        let identity = format!("01{}", "00".repeat(31));
        assert_eq!(PublicKey::try_from(identity), Err(PublicKeyError));
    }

    #[test]
    fn secrets_are_not_printed() {
        let key = SecretKey::from_seed(&[0xab; KEY_SIZE]);
        assert!(!format!("{key:?}").contains("abab"));
    }

    #[test]
    fn trust_is_read_back_and_strict() {
        let next = SecretKey::from_seed(&[9; KEY_SIZE]).public();
        let trust = Trust {
            current: SecretKey::development().public(),
            next: Some(next),
        };
        let text = trust.to_json().unwrap();
        assert_eq!(Trust::from_json(text.as_bytes()).unwrap(), trust);
        assert_eq!(trust.find(next.id()), Some(next));
        assert!(Trust::from_json(text.replace("next", "nest").as_bytes()).is_err());
    }
}
