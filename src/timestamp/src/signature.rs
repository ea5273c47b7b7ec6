//! Whether a signature counts: what it is over, by which certificate, and where that leads to.

use std::time::Duration;

use aws_lc_rs::digest::{self, Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::aws_lc_rs::{
    ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P256_SHA512, ECDSA_P384_SHA256, ECDSA_P384_SHA384,
    ECDSA_P384_SHA512, ECDSA_P521_SHA256, ECDSA_P521_SHA384, ECDSA_P521_SHA512, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256_LEGACY_KEY, RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _, Tag};

use crate::attributes::{Attributes, CertificateDigest};
use crate::authority::Authority;
use crate::error::TokenError;
use crate::fields::{Fields, written};
use crate::signed::Signed;

/// RFC 5280, 4.2.1.12.
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
/// The same as its bytes.
const TIME_STAMPING_BYTES: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
/// RFC 8017, appendix C; RFC 5758, 3.2; RFC 5480, 2.1.1; RFC 8410, 3.
const RSA: &str = "1.2.840.113549.1.1.1";
const RSA_PSS: &str = "1.2.840.113549.1.1.10";
const EC_KEY: &str = "1.2.840.10045.2.1";

/// A digest by its identifier; no other counts.
fn digest_of(oid: ObjectIdentifier) -> Option<&'static Algorithm> {
    match oid.to_string().as_str() {
        "2.16.840.1.101.3.4.2.1" => Some(&SHA256),
        "2.16.840.1.101.3.4.2.2" => Some(&SHA384),
        "2.16.840.1.101.3.4.2.3" => Some(&SHA512),
        _ => None,
    }
}

/// Algorithms that a signature may be of; which one, its key says.
fn algorithms(
    signature: ObjectIdentifier,
    digest: &'static Algorithm,
) -> Vec<&'static dyn SignatureVerificationAlgorithm> {
    let of_digest = |all: [&[&'static dyn SignatureVerificationAlgorithm]; 3]| {
        let [sha256, sha384, sha512] = all.map(<[_]>::to_vec);
        match digest.output_len {
            32 => sha256,
            48 => sha384,
            _ => sha512,
        }
    };
    let ecdsa: [&[&'static dyn SignatureVerificationAlgorithm]; 3] = [
        &[ECDSA_P256_SHA256, ECDSA_P384_SHA256, ECDSA_P521_SHA256],
        &[ECDSA_P256_SHA384, ECDSA_P384_SHA384, ECDSA_P521_SHA384],
        &[ECDSA_P256_SHA512, ECDSA_P384_SHA512, ECDSA_P521_SHA512],
    ];
    match signature.to_string().as_str() {
        RSA => of_digest([
            &[RSA_PKCS1_2048_8192_SHA256],
            &[RSA_PKCS1_2048_8192_SHA384],
            &[RSA_PKCS1_2048_8192_SHA512],
        ]),
        RSA_PSS => of_digest([
            &[RSA_PSS_2048_8192_SHA256_LEGACY_KEY],
            &[RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
            &[RSA_PSS_2048_8192_SHA512_LEGACY_KEY],
        ]),
        "1.2.840.113549.1.1.11" => vec![RSA_PKCS1_2048_8192_SHA256],
        "1.2.840.113549.1.1.12" => vec![RSA_PKCS1_2048_8192_SHA384],
        "1.2.840.113549.1.1.13" => vec![RSA_PKCS1_2048_8192_SHA512],
        EC_KEY => of_digest(ecdsa),
        "1.2.840.10045.4.3.2" => ecdsa[0].to_vec(),
        "1.2.840.10045.4.3.3" => ecdsa[1].to_vec(),
        "1.2.840.10045.4.3.4" => ecdsa[2].to_vec(),
        "1.3.101.112" => vec![ED25519],
        _ => Vec::new(),
    }
}

/// Verifies everything about the signature: the subject of its certificate. `time` is that of the token, milliseconds since 1970.
pub(crate) fn verify(signed: &Signed<'_>, time: i64, authority: &Authority) -> Result<String, TokenError> {
    let digest = digest_of(signed.digest).ok_or(TokenError::Algorithm { what: "digest" })?;
    let attributes = Attributes::read(signed.attributes).ok_or(TokenError::Malformed {
        what: "its signed attributes cannot be read",
    })?;
    let content = digest::digest(digest, signed.content);
    if !attributes.is_of_authority || attributes.digest != Some(content.as_ref()) {
        return Err(TokenError::Content);
    }
    let der = certificate(signed, &attributes)?;
    let certificate = EndEntityCert::try_from(der).map_err(|source| TokenError::Foreign { source })?;
    // What is signed is the SET, whatever tag it has inside (RFC 5652, 5.4).
    let text = written(Tag::Set, signed.attributes);
    let algorithms = algorithms(signed.algorithm, digest);
    if algorithms.is_empty() {
        return Err(TokenError::Algorithm { what: "signature" });
    }
    let is_good = |one: &&dyn SignatureVerificationAlgorithm| {
        certificate
            .verify_signature(*one, &text, signed.signature)
            .is_ok()
    };
    if !algorithms.iter().any(is_good) {
        return Err(TokenError::Signature);
    }
    let name = for_timestamps(der)?;
    leads(&certificate, signed, time, authority)?;
    Ok(name)
}

/// The certificate that signed: the one which the signed attributes name, and the signer too.
fn certificate<'a, 'b>(
    signed: &'b Signed<'a>,
    attributes: &Attributes<'_>,
) -> Result<&'b CertificateDer<'a>, TokenError> {
    if attributes.certificates.is_empty() {
        return Err(TokenError::Malformed {
            what: "it does not name the certificate that signed it (RFC 3161, 2.4.2)",
        });
    }
    let is_named = |der: &&CertificateDer<'_>| attributes.certificates.iter().all(|one| names(one, der));
    let found = signed.certificates.iter().find(is_named);
    found
        .filter(|der| is_signer(signed, der))
        .ok_or(TokenError::NoCertificate)
}

fn names(named: &CertificateDigest<'_>, der: &[u8]) -> bool {
    let (algorithm, told) = match *named {
        // It only tells which of the certificates it is: what is signed does not depend on it.
        CertificateDigest::Sha1(told) => (Some(&SHA1_FOR_LEGACY_USE_ONLY), told),
        CertificateDigest::Other(None, told) => (Some(&SHA256), told),
        CertificateDigest::Other(Some(oid), told) => (digest_of(oid), told),
    };
    algorithm.is_some_and(|algorithm| digest::digest(algorithm, der).as_ref() == told)
}

fn is_signer(signed: &Signed<'_>, der: &[u8]) -> bool {
    let Some((issuer, serial)) = signed.named else {
        // By its key's identifier; the signature tells whether it is that key.
        return true;
    };
    let Ok(certificate) = CertificateInner::<Raw>::from_der(der) else {
        return false;
    };
    let tbs = certificate.tbs_certificate();
    let is_issuer = tbs.issuer().to_der().is_ok_and(|own| own == issuer);
    is_issuer && tbs.serial_number().as_bytes() == serial
}

/// The subject of a certificate that is for timestamps and nothing else (RFC 3161, 2.3).
fn for_timestamps(der: &[u8]) -> Result<String, TokenError> {
    let certificate = CertificateInner::<Raw>::from_der(der).map_err(|_| TokenError::Malformed {
        what: "its certificate cannot be read",
    })?;
    let tbs = certificate.tbs_certificate();
    let extensions = tbs.extensions().map(Vec::as_slice).unwrap_or_default();
    let is_alone = |value: &[u8]| {
        let mut purposes = Fields::of(value)?;
        Some(purposes.oid()? == TIME_STAMPING && purposes.is_finished())
    };
    let usage = extensions.iter().find(|one| one.extn_id == EXTENDED_KEY_USAGE);
    let is_good = usage.is_some_and(|one| one.critical && is_alone(one.extn_value.as_bytes()) == Some(true));
    if is_good {
        Ok(tbs.subject().to_string())
    } else {
        Err(TokenError::Purpose)
    }
}

/// Whether a certificate leads to the authority's CA, all of them valid at the time.
fn leads(
    certificate: &EndEntityCert<'_>,
    signed: &Signed<'_>,
    time: i64,
    authority: &Authority,
) -> Result<(), TokenError> {
    let since = Duration::from_millis(u64::try_from(time).unwrap_or(0));
    let led = certificate.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        authority.anchors(),
        &signed.certificates,
        UnixTime::since_unix_epoch(since),
        KeyUsage::required_if_present(TIME_STAMPING_BYTES),
        None,
        None,
    );
    match led {
        Ok(_) => Ok(()),
        Err(Error::CertExpired { .. } | Error::CertNotValidYet { .. }) => Err(TokenError::Expired),
        Err(source) => Err(TokenError::Foreign { source }),
    }
}
