//! Signed attributes: what was signed (RFC 5652, 11) and by which certificate (RFC 2634, RFC 5035).

use x509_cert::der::Tag;
use x509_cert::der::asn1::ObjectIdentifier;

use crate::fields::Fields;

/// RFC 5652, 11.1 and 11.2.
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
/// RFC 2634, 5.4.
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
/// RFC 5035, 3.
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// RFC 3161, 2.4.2.
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// How a certificate is named by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CertificateDigest<'a> {
    /// SHA-1, the only one of the first version.
    Sha1(&'a [u8]),
    /// Any other: algorithm (none: SHA-256) and digest.
    Other(Option<ObjectIdentifier>, &'a [u8]),
}

/// What counts of them.
#[derive(Debug, Default)]
pub(crate) struct Attributes<'a> {
    pub(crate) digest: Option<&'a [u8]>,
    /// All that name the certificate: each must.
    pub(crate) certificates: Vec<CertificateDigest<'a>>,
    pub(crate) is_of_authority: bool,
}

impl<'a> Attributes<'a> {
    /// Reads the content of their SET. None of those that count may be there twice.
    pub(crate) fn read(set: &'a [u8]) -> Option<Self> {
        let mut own = Self::default();
        let mut seen = Vec::new();
        let all = x509_cert::der::asn1::AnyRef::new(Tag::Set, set).ok()?;
        let mut all = Fields::inside(all, Tag::Set)?;
        while !all.is_finished() {
            let mut attribute = all.fields(Tag::Sequence)?;
            let kind = attribute.oid()?;
            let mut values = attribute.fields(Tag::Set)?;
            match kind {
                CONTENT_TYPE => own.is_of_authority = values.oid()? == TST_INFO,
                MESSAGE_DIGEST => own.digest = Some(values.value(Tag::OctetString)?),
                SIGNING_CERTIFICATE => own.certificates.push(first(&mut values)?),
                SIGNING_CERTIFICATE_V2 => own.certificates.push(second(&mut values)?),
                _ => continue,
            }
            if seen.contains(&kind) || !values.is_finished() {
                return None;
            }
            seen.push(kind);
        }
        Some(own)
    }
}

/// ESSCertID: the first one is that of who signed.
fn first<'a>(values: &mut Fields<'a>) -> Option<CertificateDigest<'a>> {
    let mut certificates = values.fields(Tag::Sequence)?.fields(Tag::Sequence)?;
    let digest = certificates.fields(Tag::Sequence)?.value(Tag::OctetString)?;
    Some(CertificateDigest::Sha1(digest))
}

/// ESSCertIDv2.
fn second<'a>(values: &mut Fields<'a>) -> Option<CertificateDigest<'a>> {
    let mut certificates = values.fields(Tag::Sequence)?.fields(Tag::Sequence)?;
    let mut certificate = certificates.fields(Tag::Sequence)?;
    let algorithm = if certificate.is_next(Tag::Sequence) {
        Some(certificate.algorithm()?)
    } else {
        None
    };
    let digest = certificate.value(Tag::OctetString)?;
    Some(CertificateDigest::Other(algorithm, digest))
}
