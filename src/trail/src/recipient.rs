//! Who may read a trail: certificates of the audit policy.

use std::sync::Arc;

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};

use crate::error::TrailError;
use crate::head::MAX_TEXT;
use crate::hpke;
use crate::record::sha256;

/// RFC 8410, 3.
const OID_X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");
/// RFC 3279, 2.3.1.
const OID_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// Fewest and most bits of an RSA key.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Most recipients of a trail, both kinds together.
pub(crate) const MAX_RECIPIENTS: usize = 32;

/// How a key is wrapped: the number in the file.
pub(crate) const HPKE: u8 = 1;
pub(crate) const RSA_OAEP: u8 = 2;

/// Who may read what.
#[derive(Clone, Debug, Default)]
pub struct Recipients {
    /// Who reads what was shown; and what was typed, when nobody is named for that. Nobody at all: the trail is not encrypted.
    pub downstream: Vec<Recipient>,
    /// Who reads what was typed.
    pub upstream: Vec<Recipient>,
    /// Who reads what was shown and never what was typed, beside those; counts only where there are others.
    pub screen: Vec<Recipient>,
}

/// The owner of a certificate; cheap to clone.
#[derive(Clone, Debug)]
pub struct Recipient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    fingerprint: [u8; 32],
    key: Key,
}

#[derive(Debug)]
enum Key {
    X25519([u8; hpke::KEY]),
    Rsa(OaepPublicEncryptingKey),
}

impl Recipient {
    /// From a certificate in PEM, with a key of X25519 or RSA.
    ///
    /// # Errors
    /// [`TrailError::Certificate`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, TrailError> {
        let der = CertificateDer::from_pem_slice(pem)
            .map_err(|_| unusable("it is no certificate in PEM (BEGIN CERTIFICATE)"))?;
        Self::from_der(&der)
    }

    /// From a certificate in DER.
    ///
    /// # Errors
    /// [`TrailError::Certificate`].
    pub fn from_der(der: &[u8]) -> Result<Self, TrailError> {
        let certificate = CertificateInner::<Raw>::from_der(der)
            .map_err(|_| unusable("it is no certificate (RFC 5280)"))?;
        let tbs = certificate.tbs_certificate();
        let info = tbs.subject_public_key_info();
        let spki = info
            .to_der()
            .map_err(|_| unusable("its public key cannot be read"))?;
        let raw = info.subject_public_key.as_bytes().unwrap_or_default();
        let key = match info.algorithm.oid {
            OID_X25519 => Key::X25519(
                raw.try_into()
                    .map_err(|_| unusable("its key has a wrong length"))?,
            ),
            OID_RSA => Key::Rsa(rsa(&spki)?),
            _ => return Err(unusable("its key must be of X25519 or RSA: make such a one")),
        };
        let mut name = tbs.subject().to_string();
        name.truncate(name.floor_char_boundary(MAX_TEXT));
        let inner = Inner {
            name,
            fingerprint: sha256(&[&spki]),
            key,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// From a public key of X25519.
    pub(crate) fn x25519(name: &str, public: [u8; hpke::KEY]) -> Self {
        let inner = Inner {
            name: name.to_owned(),
            fingerprint: sha256(&[&hpke::SPKI, &public]),
            key: Key::X25519(public),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Subject of the certificate, as RFC 4514 writes it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// SHA-256 of the public key, as SubjectPublicKeyInfo.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        self.inner.fingerprint
    }

    /// Wraps `secret`: the number of the way, and the bytes.
    pub(crate) fn wrap(
        &self,
        secret: &[u8],
        info: &[u8],
        ephemeral: &[u8; hpke::KEY],
    ) -> Result<(u8, Vec<u8>), TrailError> {
        let failed = |_| TrailError::Cryptography {
            operation: "wrap the key of a trail",
        };
        match &self.inner.key {
            Key::X25519(public) => {
                let mut text = secret.to_vec();
                let encapsulated = hpke::seal(public, ephemeral, info, &mut text).map_err(failed)?;
                Ok((HPKE, [&encapsulated[..], &text].concat()))
            }
            Key::Rsa(public) => {
                let mut out = vec![0; public.ciphertext_size()];
                let wrapped = public.encrypt(&OAEP_SHA256_MGF1SHA256, secret, &mut out, Some(info));
                let length = wrapped.map_err(failed)?.len();
                out.truncate(length);
                Ok((RSA_OAEP, out))
            }
        }
    }
}

fn rsa(spki: &[u8]) -> Result<OaepPublicEncryptingKey, TrailError> {
    let key = PublicEncryptingKey::from_der(spki)
        .map_err(|_| unusable("its RSA key cannot be used: 2048 to 8192 bits are needed"))?;
    if !RSA_BITS.contains(&key.key_size_bits()) {
        return Err(unusable(
            "its RSA key must have 2048 to 8192 bits: make such a one",
        ));
    }
    OaepPublicEncryptingKey::new(key).map_err(|_| unusable("its RSA key cannot be used"))
}

const fn unusable(problem: &'static str) -> TrailError {
    TrailError::Certificate { problem }
}
