//! Lower-case hexadecimal, the one spelling of digests, keys and signatures.
//!
//! Invariant: every value has exactly one accepted text, so a changed letter is always noticed.

use serde::{Deserialize, Serialize};

/// Bytes of a SHA-256.
pub const DIGEST_SIZE: usize = 32;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn encode(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

/// The bytes of a text of exactly `2 * N` lower-case digits.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    DIGITS
        .iter()
        .position(|known| *known == digit)
        .and_then(|at| u8::try_from(at).ok())
}

/// A SHA-256 (FIPS 180-4), written as 64 lower-case digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Digest([u8; DIGEST_SIZE]);

impl Sha256Digest {
    /// Wraps a computed digest.
    #[must_use]
    pub const fn new(bytes: [u8; DIGEST_SIZE]) -> Self {
        Self(bytes)
    }

    /// The digest of bytes in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The raw digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; DIGEST_SIZE] {
        &self.0
    }
}

impl std::fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl std::fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}

impl TryFrom<String> for Sha256Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        decode(&text)
            .map(Self)
            .ok_or("a SHA-256 is 64 lower-case hexadecimal digits")
    }
}

impl From<Sha256Digest> for String {
    fn from(digest: Sha256Digest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_spelling() {
        assert_eq!(encode(&[0x00, 0xff, 0x3a]), "00ff3a");
        assert_eq!(decode::<3>("00ff3a"), Some([0x00, 0xff, 0x3a]));
        for bad in ["00FF3a", "00ff3", "00ff3a0", "00ff3g", " 0ff3a", "é0ff3"] {
            assert_eq!(decode::<3>(bad), None, "{bad:?} was taken");
        }
    }

    #[test]
    fn digests_agree_with_the_standard() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Sha256Digest::of(b"").to_string(), empty);
    }
}
