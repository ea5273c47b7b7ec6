//! A pair of keys that the appliance makes itself: for whoever takes what was shown into an index, and forgets the private half then.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::TrailError;
use crate::hpke;
use crate::recipient::Recipient;

/// `OneAsymmetricKey` of X25519 before the key: RFC 8410, 7.
const PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
];

/// A pair of keys of X25519.
pub struct KeyPair {
    secret: Zeroizing<[u8; hpke::KEY]>,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyPair")
    }
}

impl KeyPair {
    /// Of 32 random bytes, which nobody else has.
    #[must_use]
    pub const fn new(secret: Zeroizing<[u8; hpke::KEY]>) -> Self {
        Self { secret }
    }

    /// The public half; `name` is what a trail says of whom it is for.
    ///
    /// # Errors
    /// [`TrailError::Cryptography`].
    pub fn recipient(&self, name: &str) -> Result<Recipient, TrailError> {
        let public = hpke::public(&self.secret).map_err(|_| TrailError::Cryptography {
            operation: "make a pair of keys",
        })?;
        Ok(Recipient::x25519(name, public))
    }

    /// The private half as PKCS#8 in PEM, for [`crate::PrivateKey::from_pem`].
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let mut der = Zeroizing::new([0; PREFIX.len() + hpke::KEY]);
        der[..PREFIX.len()].copy_from_slice(&PREFIX);
        der[PREFIX.len()..].copy_from_slice(&*self.secret);
        let text = Zeroizing::new(STANDARD.encode(der.as_slice()));
        Zeroizing::new(format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            *text
        ))
    }
}
