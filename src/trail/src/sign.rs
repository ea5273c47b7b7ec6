//! Keys that sign trails, and their public halves: ed25519 (RFC 8032).

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::{PemObject as _, SectionKind, SliceIter};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use zeroize::Zeroizing;

use crate::error::TrailError;
use crate::record::sha256;

/// RFC 8410, 3.
const OID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// Bytes of a signature.
pub(crate) const SIGNATURE: usize = 64;

/// Signs trails; shared by all sessions.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public).finish()
    }
}

impl SigningKey {
    /// The key that belongs to a secret of 32 random bytes.
    ///
    /// # Errors
    /// [`TrailError::SigningKey`].
    pub fn from_secret(secret: &[u8; 32]) -> Result<Self, TrailError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(secret);
        Self::of(pair.map_err(|_| unusable("it is refused by the library of cryptography"))?)
    }

    /// A private key as PKCS#8 in PEM.
    ///
    /// # Errors
    /// [`TrailError::SigningKey`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, TrailError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem)
            .map_err(|_| unusable("it is no private key as PKCS#8 in PEM (BEGIN PRIVATE KEY)"))?;
        let der = Zeroizing::new(der.secret_pkcs8_der().to_vec());
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        Self::of(pair.map_err(|_| unusable("trails are signed with ed25519: make a key of that kind"))?)
    }

    fn of(pair: Ed25519KeyPair) -> Result<Self, TrailError> {
        let bytes = pair.public_key().as_ref().try_into();
        let public = PublicKey(bytes.map_err(|_| unusable("its public half has another length"))?);
        Ok(Self { pair, public })
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    pub(crate) fn sign(&self, text: &[u8]) -> Result<[u8; SIGNATURE], TrailError> {
        let failed = TrailError::Cryptography { operation: "sign" };
        let signature = self.pair.try_sign(text).map_err(|_| failed.clone())?;
        signature.as_ref().try_into().map_err(|_| failed)
    }
}

const fn unusable(problem: &'static str) -> TrailError {
    TrailError::SigningKey { problem }
}

/// Judges signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// A public key or a certificate in PEM.
    ///
    /// # Errors
    /// [`TrailError::SigningKey`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, TrailError> {
        let info = SliceIter::<(SectionKind, Vec<u8>)>::new(pem)
            .filter_map(Result::ok)
            .find_map(|(kind, der)| match kind {
                SectionKind::Certificate => public_part(&der),
                SectionKind::PublicKey => SubjectPublicKeyInfoOwned::from_der(&der).ok(),
                _ => None,
            });
        let info = info.ok_or(unusable("it is no public key and no certificate in PEM"))?;
        let raw = info.subject_public_key.as_bytes().unwrap_or_default();
        match raw.try_into() {
            Ok(raw) if info.algorithm.oid == OID_ED25519 => Ok(Self(raw)),
            _ => Err(unusable(
                "trails are signed with ed25519, and it is of another kind",
            )),
        }
    }

    /// SHA-256 of the key as SubjectPublicKeyInfo: what `openssl pkey -pubin -outform DER | sha256sum` prints.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        const PREFIX: [u8; 12] = [
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        sha256(&[&PREFIX, &self.0])
    }

    pub(crate) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(text, signature)
            .is_ok()
    }
}

fn public_part(certificate: &[u8]) -> Option<SubjectPublicKeyInfoOwned> {
    let certificate = CertificateInner::<Raw>::from_der(certificate).ok()?;
    let info = certificate.tbs_certificate().subject_public_key_info();
    SubjectPublicKeyInfoOwned::from_der(&info.to_der().ok()?).ok()
}

/// The beginning of the fingerprint, as people compare it.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fingerprint()
            .iter()
            .take(8)
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
