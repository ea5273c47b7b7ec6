//! The secret a client shows with every request.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustix::rand::{GetRandomFlags, getrandom};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroize;

/// Bytes of randomness: nobody guesses 256 bits.
const BYTES: usize = 32;
/// Letters of a token.
const LETTERS: usize = BYTES.div_ceil(3) * 4 - 1;

/// A token. It is shown to its owner once and never kept.
#[derive(PartialEq, Eq)]
pub struct Token(String);

/// What is kept of a token, and what is looked up: a table ordered by it tells nobody how much of a guess was right.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenHash([u8; 32]);

/// Why there is no token.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The kernel gives no randomness.
    #[error("the kernel gives no random numbers")]
    Random(#[source] rustix::io::Errno),
}

impl Token {
    /// A new one, from the kernel's random numbers.
    ///
    /// # Errors
    /// The kernel gives none.
    pub fn new() -> Result<Self, TokenError> {
        let mut bytes = [0; BYTES];
        let mut filled = 0;
        while filled < BYTES {
            filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty()).map_err(TokenError::Random)?;
        }
        let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        bytes.zeroize();
        Ok(Self(text))
    }

    /// A token as a client shows it; nothing when it cannot be one.
    #[must_use]
    pub fn shown(text: &str) -> Option<Self> {
        let plain = text.len() == LETTERS
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        plain.then(|| Self(text.to_owned()))
    }

    /// The text to give to its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// A second secret that follows from the first, for `purpose`: shown in forms, it proves that the form came from
    /// here, and tells nothing of the token.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> String {
        let digest = Sha256::new()
            .chain_update(purpose.as_bytes())
            .chain_update([0])
            .chain_update(self.0.as_bytes())
            .finalize();
        BASE64_URL_SAFE_NO_PAD.encode(digest)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        BASE64_URL_SAFE_NO_PAD.encode(hash.0)
    }
}

impl TryFrom<String> for TokenHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| "not base64")?;
        bytes.try_into().map(Self).map_err(|_| "not a SHA-256")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_read_back() {
        let (one, two) = (Token::new().unwrap(), Token::new().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.expose().len(), LETTERS);
        let shown = Token::shown(one.expose()).unwrap();
        assert_eq!(shown.hash(), one.hash());
        assert_ne!(one.derived("form"), one.derived("other"));
        assert!(!format!("{one:?} {:?}", one.hash()).contains(one.expose()));
    }

    #[test]
    fn what_cannot_be_a_token_is_none() {
        let good = Token::new().unwrap();
        let long = format!("{}x", good.expose());
        let odd = good.expose().replacen(|_: char| true, "+", 1);
        for text in ["", "x", &long, &odd, &"ä".repeat(LETTERS / 2)] {
            assert!(Token::shown(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_hash_is_written_and_read() {
        let hash = Token::new().unwrap().hash();
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<TokenHash>(&text).unwrap(), hash);
        assert!(serde_json::from_str::<TokenHash>("\"AAAA\"").is_err());
    }
}
