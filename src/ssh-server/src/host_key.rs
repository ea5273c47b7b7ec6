//! The key by which clients know the appliance again: Ed25519, made on the appliance.

use std::fmt;

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{HashAlg, PrivateKey};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of an Ed25519 seed (RFC 8032, section 5.1.5).
const SEED: usize = 32;

/// Why there is no host key.
#[derive(Debug, Error)]
pub enum HostKeyError {
    /// The kernel gave no random bytes.
    #[error("could not get random bytes for the SSH host key")]
    Random(#[source] Errno),
    /// The key could not be put together.
    #[error("could not make an SSH host key")]
    Make(#[source] russh::keys::ssh_key::Error),
    /// What was kept is no key.
    #[error("the SSH host key is damaged: remove it, and the appliance makes a new one at its next start")]
    Damaged(#[source] russh::keys::ssh_key::Error),
}

/// The secret host key.
#[derive(Clone)]
pub struct HostKey(pub(crate) PrivateKey);

impl HostKey {
    /// A new key.
    ///
    /// # Errors
    /// When the kernel gives no random bytes.
    pub fn generate() -> Result<Self, HostKeyError> {
        let mut seed = Zeroizing::new([0; SEED]);
        let mut filled = 0;
        while filled < SEED {
            filled +=
                getrandom(&mut seed[filled..], GetRandomFlags::empty()).map_err(HostKeyError::Random)?;
        }
        let pair = KeypairData::from(Ed25519Keypair::from_seed(&seed));
        PrivateKey::new(pair, "appliance")
            .map(Self)
            .map_err(HostKeyError::Make)
    }

    /// The key as [`Self::to_openssh`] wrote it.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn from_openssh(text: &str) -> Result<Self, HostKeyError> {
        PrivateKey::from_openssh(text)
            .map(Self)
            .map_err(HostKeyError::Damaged)
    }

    /// OpenSSH's text form, unencrypted: for a file that only the appliance can read.
    ///
    /// # Errors
    /// When the key cannot be written down.
    pub fn to_openssh(&self) -> Result<Zeroizing<String>, HostKeyError> {
        self.0.to_openssh(LineEnding::LF).map_err(HostKeyError::Make)
    }

    /// What OpenSSH shows at the first connection: `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_and_two_are_different() {
        let key = HostKey::generate().unwrap();
        let again = HostKey::from_openssh(&key.to_openssh().unwrap()).unwrap();
        assert_eq!(again.fingerprint(), key.fingerprint());
        assert_ne!(HostKey::generate().unwrap().fingerprint(), key.fingerprint());
        assert!(!format!("{key:?}").contains("PRIVATE"));
        assert!(HostKey::from_openssh("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n").is_err());
    }
}
