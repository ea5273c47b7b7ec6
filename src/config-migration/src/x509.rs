//! What makes a certificate weak: its key, and the hash of its signature.
//!
//! Sizes and hashes: upgrade guide of 7.0, since 6.10.0. Sources of the object identifiers: RFC 3279, RFC 4055, RFC 5480, and OIW's
//! for the oldest.

use std::fmt;

use x509_cert::certificate::{CertificateInner, Raw, TbsCertificateInner, Version};
use x509_cert::der::asn1::{Any, ContextSpecific, ObjectIdentifier, UintRef};
use x509_cert::der::{Decode, Encode, SliceReader, TagNumber};
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::ssh_key::bits;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// Fewest bits of RSA and DSA keys, and of elliptic curves.
const LEAST_RSA: usize = 2048;
const LEAST_CURVE: usize = 224;

const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
const DSA: ObjectIdentifier = oid("1.2.840.10040.4.1");
const CURVE: ObjectIdentifier = oid("1.2.840.10045.2.1");
/// Ed25519 and Ed448 (RFC 8410): always long enough.
const EDWARDS: [ObjectIdentifier; 2] = [oid("1.3.101.112"), oid("1.3.101.113")];

/// Hashes that no longer count, with the signatures that use them and their own identifiers, which RSASSA-PSS names.
const OLD_HASHES: [(&str, ObjectIdentifier); 13] = [
    ("MD2", oid("1.2.840.113549.1.1.2")),
    ("MD4", oid("1.2.840.113549.1.1.3")),
    ("MD5", oid("1.2.840.113549.1.1.4")),
    ("SHA-1", oid("1.2.840.113549.1.1.5")),
    ("SHA-1", oid("1.2.840.10040.4.3")),
    ("SHA-1", oid("1.2.840.10045.4.1")),
    ("MD5", oid("1.3.14.3.2.3")),
    ("SHA-1", oid("1.3.14.3.2.27")),
    ("SHA-1", oid("1.3.14.3.2.29")),
    ("SHA-1", oid("1.3.14.3.2.13")),
    ("SHA-1", oid("1.3.14.3.2.26")),
    ("MD5", oid("1.2.840.113549.2.5")),
    ("MD2", oid("1.2.840.113549.2.2")),
];

/// One offence of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// So many bits of so many needed.
    ShortKey {
        kind: &'static str,
        bits: usize,
        least: usize,
    },
    /// A key that cannot be judged.
    UnknownKey { algorithm: String },
    /// Signed with a hash that no longer counts.
    Signature { hash: &'static str },
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortKey { kind, bits, least } => {
                write!(f, "has {kind} key of {bits} bits, at least {least} are needed")
            }
            Self::UnknownKey { algorithm } => {
                write!(f, "has a key of a kind that cannot be judged ({algorithm})")
            }
            Self::Signature { hash } => write!(f, "is signed with {hash}"),
        }
    }
}

/// A certificate that was judged.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// Its subject, as RFC 4514 writes it.
    pub(crate) subject: String,
    pub(crate) weaknesses: Vec<Weakness>,
}

/// Judges one certificate, DER; none when it is none.
pub(crate) fn judge(der: &[u8]) -> Option<Judged> {
    // "Raw": serial numbers longer than RFC 5280 allows are common in old certificates.
    let certificate = CertificateInner::<Raw>::from_der(der).ok()?;
    let tbs = certificate.tbs_certificate();
    let hash = (!is_root(tbs))
        .then(|| old_hash(certificate.signature_algorithm()))
        .flatten();
    let weaknesses = weak_key(tbs.subject_public_key_info())
        .into_iter()
        .chain(hash.map(|hash| Weakness::Signature { hash }))
        .collect();
    Some(Judged {
        subject: tbs.subject().to_string(),
        weaknesses,
    })
}

/// Whether a certificate is that of a root CA: issued by itself, and a CA or too old to say so. Nobody checks the signature of such
/// a one: it is trusted because it is in the list.
fn is_root(tbs: &TbsCertificateInner<Raw>) -> bool {
    let own = tbs.subject() == tbs.issuer();
    let constraints = tbs.get_extension::<BasicConstraints>().ok().flatten();
    own && (tbs.version() == Version::V1 || constraints.is_some_and(|(_, constraints)| constraints.ca))
}

/// The old hash that a signature uses.
fn old_hash(algorithm: &AlgorithmIdentifierOwned) -> Option<&'static str> {
    let named = |oid: ObjectIdentifier| {
        OLD_HASHES
            .iter()
            .find(|(_, old)| *old == oid)
            .map(|(name, _)| *name)
    };
    if algorithm.oid == RSA_PSS {
        return match pss_hash(algorithm.parameters.as_ref()) {
            Some(hash) => named(hash),
            // RFC 4055, 3.1: what is left out is SHA-1.
            None => Some("SHA-1"),
        };
    }
    named(algorithm.oid)
}

/// `[0] EXPLICIT AlgorithmIdentifier` of RSASSA-PSS-params.
fn pss_hash(parameters: Option<&Any>) -> Option<ObjectIdentifier> {
    let body = parameters?.value();
    let mut reader = SliceReader::new(body).ok()?;
    let hash = ContextSpecific::<AlgorithmIdentifierOwned>::decode_explicit(&mut reader, TagNumber(0));
    hash.ok().flatten().map(|hash| hash.value.oid)
}

fn weak_key(key: &SubjectPublicKeyInfoOwned) -> Option<Weakness> {
    let algorithm = key.algorithm.oid;
    let raw = key.subject_public_key.as_bytes().unwrap_or_default();
    let (kind, size, least) = match algorithm {
        RSA | RSA_PSS => ("an RSA", first_number(raw), LEAST_RSA),
        DSA => {
            let parameters = key
                .algorithm
                .parameters
                .as_ref()
                .and_then(|any| any.to_der().ok());
            ("a DSA", first_number(&parameters.unwrap_or_default()), LEAST_RSA)
        }
        CURVE => ("an elliptic curve", curve_bits(raw), LEAST_CURVE),
        known if EDWARDS.contains(&known) => return None,
        other => {
            return Some(Weakness::UnknownKey {
                algorithm: other.to_string(),
            });
        }
    };
    (size < least).then_some(Weakness::ShortKey {
        kind,
        bits: size,
        least,
    })
}

/// Bits of the first number of a sequence: RSA's modulus (RFC 8017, A.1.1), DSA's prime (RFC 3279, 2.3.2); 0 when there is none.
fn first_number(der: &[u8]) -> usize {
    let number = SliceReader::new(der).ok().and_then(|mut reader| {
        let sequence = Any::decode(&mut reader).ok()?;
        let mut inner = SliceReader::new(sequence.value()).ok()?;
        let number = UintRef::decode(&mut inner).ok()?;
        Some(bits(number.as_bytes()))
    });
    number.unwrap_or(0)
}

/// Bits of a curve's field by the length of a point (SEC 1, 2.3.3): right for every curve, also one that is described instead of named.
fn curve_bits(point: &[u8]) -> usize {
    match point.split_first() {
        Some((4, rest)) => rest.len() / 2 * 8,
        Some((2 | 3, rest)) => rest.len() * 8,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_and_every_changed_byte_is_judged_or_refused() {
        let pem = include_str!("samples/issuing.pem");
        let der = crate::pem::certificates(pem).unwrap().remove(0);
        assert_eq!(judge(&der).unwrap().weaknesses, []);
        for end in 0..der.len() {
            assert!(judge(&der[..end]).is_none(), "cut at {end}");
        }
        for place in 0..der.len() {
            for byte in [0, 0x7f, 0x80, 0xff] {
                let mut changed = der.clone();
                changed[place] = byte;
                let _ends = judge(&changed).map(|judged| judged.subject);
            }
        }
    }

    #[test]
    fn points_tell_the_size_of_a_curve() {
        assert_eq!(curve_bits(&[&[4][..], &[1; 48]].concat()), 192);
        assert_eq!(curve_bits(&[&[2][..], &[1; 28]].concat()), 224);
        assert_eq!((curve_bits(&[]), curve_bits(&[0])), (0, 0));
    }
}
