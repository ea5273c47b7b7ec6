//! AES-256-GCM with a random nonce in front of the text (NIST SP 800-38D).
//!
//! With random nonces a key may encrypt some four thousand million times; a change encrypts a few dozen secrets.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// The library cannot encrypt: it has no randomness.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the system gives no randomness to encrypt with")]
pub struct CipherError;

/// Nonce, encrypted text and tag.
pub(crate) fn encrypt(key: &[u8; KEY_BYTES], about: &[u8], plain: &[u8]) -> Result<Vec<u8>, CipherError> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| CipherError)?;
    let mut text = plain.to_vec();
    let nonce = key
        .seal_in_place_append_tag(Aad::from(about), &mut text)
        .map_err(|_| CipherError)?;
    Ok([&nonce.as_ref()[..], &text].concat())
}

/// The plain text; none when key, text or what it is about are not those of [`encrypt`].
pub(crate) fn decrypt(key: &[u8; KEY_BYTES], about: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?;
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut text = Zeroizing::new(text.to_vec());
    let length = key.open_in_place(nonce, Aad::from(about), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}

/// As many bytes as a key has.
#[derive(Clone, Copy)]
struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

/// Bytes that only this key and purpose make.
pub(crate) fn derive(
    key: &[u8; KEY_BYTES],
    purpose: &str,
) -> Result<Zeroizing<[u8; KEY_BYTES]>, CipherError> {
    let mut out = Zeroizing::new([0; KEY_BYTES]);
    let extracted = Salt::new(HKDF_SHA256, b"sps cluster key").extract(key);
    let info = [purpose.as_bytes()];
    let expanded = extracted.expand(&info, KeyLength).map_err(|_| CipherError)?;
    expanded.fill(&mut *out).map_err(|_| CipherError)?;
    Ok(out)
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], CipherError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| CipherError)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_purpose_or_key_makes_other_bytes() {
        let one = derive(&[1; 32], "one").unwrap();
        assert_eq!(derive(&[1; 32], "one").unwrap(), one);
        assert_ne!(derive(&[1; 32], "two").unwrap(), one);
        assert_ne!(derive(&[2; 32], "one").unwrap(), one);
    }

    #[test]
    fn only_the_same_key_and_the_same_purpose_open_it() {
        let sealed = encrypt(&[1; 32], b"here", b"text").unwrap();
        assert_eq!(decrypt(&[1; 32], b"here", &sealed).unwrap().as_slice(), b"text");
        assert!(decrypt(&[2; 32], b"here", &sealed).is_none());
        assert!(decrypt(&[1; 32], b"there", &sealed).is_none());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(decrypt(&[1; 32], b"here", &changed).is_none(), "byte {place}");
            assert!(
                decrypt(&[1; 32], b"here", &sealed[..place]).is_none(),
                "cut at {place}"
            );
        }
        assert_ne!(
            encrypt(&[1; 32], b"here", b"text").unwrap(),
            sealed,
            "the nonce is the same"
        );
    }
}
