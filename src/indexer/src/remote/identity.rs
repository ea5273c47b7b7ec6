//! Who appliance and hosts are to each other: a self-signed certificate each, known by its SHA-256.
//!
//! No authority stands behind them, and no date: whoever holds the key of a certificate that is pinned is it, until it is removed.

use std::fmt;
use std::str::FromStr;

use rcgen::{CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

/// Name in every certificate: what counts is its fingerprint.
const SUBJECT: &str = "sps indexer";
/// Years of its validity, which nobody looks at: from the first to the last of X.509's two-digit years and beyond.
const YEARS: (i32, i32) = (2000, 4000);

/// What cannot be somebody's identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// No certificate in PEM.
    #[error("{what} is no certificate in PEM (BEGIN CERTIFICATE)")]
    Certificate {
        /// Whose.
        what: &'static str,
    },
    /// No private key in PEM.
    #[error("{what} is no private key in PEM (BEGIN PRIVATE KEY)")]
    Key {
        /// Whose.
        what: &'static str,
    },
    /// The library refuses them.
    #[error("certificate and private key cannot be used: are they of one pair?")]
    Pair(#[source] rustls::Error),
    /// No key could be made.
    #[error("no key pair could be made")]
    Make(#[source] rcgen::Error),
    /// No fingerprint.
    #[error("{0:?} is no fingerprint: it is the SHA-256 of a certificate, 64 hexadecimal digits")]
    Fingerprint(String),
}

/// SHA-256 of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate in PEM, the first there is.
    ///
    /// # Errors
    /// It is none.
    pub fn of_pem(pem: &str) -> Result<Self, IdentityError> {
        let what = "the certificate";
        let der = CertificateDer::from_pem_slice(pem.as_bytes());
        Ok(Self::of(&der.map_err(|_| IdentityError::Certificate { what })?))
    }

    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate.as_ref()).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Fingerprint {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let wrong = || IdentityError::Fingerprint(text.chars().take(80).collect());
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong());
        }
        let mut print = [0; 32];
        for (byte, digits) in print.iter_mut().zip(digits.chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(print))
    }
}

/// A certificate and its private key, both PEM.
#[derive(Clone)]
pub struct Identity {
    certificate: String,
    private_key: Zeroizing<String>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

impl Identity {
    /// What was made before.
    #[must_use]
    pub fn new(certificate: impl Into<String>, private_key: Zeroizing<String>) -> Self {
        Self {
            certificate: certificate.into(),
            private_key,
        }
    }

    /// A new one, of ECDSA with P-256.
    ///
    /// # Errors
    /// The library of cryptography fails.
    pub fn make() -> Result<Self, IdentityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(IdentityError::Make)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(IdentityError::Make)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, SUBJECT);
        params.not_before = rcgen::date_time_ymd(YEARS.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(YEARS.1, 1, 1);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&key).map_err(IdentityError::Make)?;
        Ok(Self {
            certificate: certificate.pem(),
            private_key: Zeroizing::new(key.serialize_pem()),
        })
    }

    /// The certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The private key, PEM. Secret.
    #[must_use]
    pub const fn private_key(&self) -> &Zeroizing<String> {
        &self.private_key
    }

    /// Both as the library wants them.
    pub(crate) fn der(
        &self,
        what: &'static str,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), IdentityError> {
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes())
            .map_err(|_| IdentityError::Certificate { what })?;
        let key = PrivateKeyDer::from_pem_slice(self.private_key.as_bytes())
            .map_err(|_| IdentityError::Key { what })?;
        Ok((certificate, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_known_by_its_fingerprint_and_shows_no_key() {
        let (one, other) = (Identity::make().unwrap(), Identity::make().unwrap());
        let print = Fingerprint::of_pem(one.certificate()).unwrap();
        assert_ne!(print, Fingerprint::of_pem(other.certificate()).unwrap());
        assert_eq!(print.to_string().parse::<Fingerprint>().unwrap(), print);
        assert_eq!(
            print.to_string().to_uppercase().parse::<Fingerprint>().unwrap(),
            print
        );
        assert_eq!(format!("{one:?}"), "Identity");
        for text in ["", "ab", &"g".repeat(64), &"+1".repeat(32), &"ä".repeat(32)] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
        assert!(Fingerprint::of_pem(one.private_key()).is_err());
    }
}
