//! What is signed: CMS (RFC 5652), as far as RFC 3161 uses it.

use rustls_pki_types::CertificateDer;
use x509_cert::der::Tag;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};

use crate::error::TokenError;
use crate::fields::{Fields, tagged};

/// RFC 5652, 5.1.
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// RFC 3161, 2.4.2.
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// Most certificates in a token that are looked at.
const CERTIFICATES: usize = 16;

/// A signed content and the one who signed it.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) content: &'a [u8],
    pub(crate) certificates: Vec<CertificateDer<'a>>,
    /// Issuer, DER, and serial number, content of an INTEGER, where the signer is named so.
    pub(crate) named: Option<(&'a [u8], &'a [u8])>,
    pub(crate) digest: ObjectIdentifier,
    /// Content of the SET of signed attributes.
    pub(crate) attributes: &'a [u8],
    pub(crate) algorithm: ObjectIdentifier,
    pub(crate) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(crate) fn read(token: &'a [u8]) -> Result<Self, TokenError> {
        let malformed = |what| move || TokenError::Malformed { what };
        let data = data(token).ok_or_else(malformed("it is no signed data (RFC 5652)"))?;
        let mut data =
            Fields::inside(data, Tag::Sequence).ok_or_else(malformed("it is no signed data (RFC 5652)"))?;
        let content = content(&mut data).ok_or_else(malformed("it holds nothing of an authority"))?;
        let certificates =
            certificates(&mut data).ok_or_else(malformed("its certificates cannot be read"))?;
        let signers = data.maybe(tagged(1)).and_then(|_| data.fields(Tag::Set));
        let mut signers = signers.ok_or_else(malformed("nobody signed it"))?;
        let signer = signers
            .fields(Tag::Sequence)
            .ok_or_else(malformed("nobody signed it"))?;
        if !signers.is_finished() {
            return Err(TokenError::Malformed {
                what: "more than one signed it",
            });
        }
        signed(signer, content, certificates).ok_or_else(malformed("its signature cannot be read"))
    }
}

/// The SignedData of a ContentInfo.
fn data(token: &[u8]) -> Option<AnyRef<'_>> {
    let mut info = Fields::of(token)?;
    (info.oid()? == SIGNED_DATA).then_some(())?;
    info.fields(tagged(0))?.any()
}

fn content<'a>(data: &mut Fields<'a>) -> Option<&'a [u8]> {
    data.value(Tag::Integer)?;
    data.fields(Tag::Set)?;
    let mut content = data.fields(Tag::Sequence)?;
    (content.oid()? == TST_INFO).then_some(())?;
    content.fields(tagged(0))?.value(Tag::OctetString)
}

/// The certificates that come with it. What is none (RFC 5652, 10.2.2) is passed over.
fn certificates<'a>(data: &mut Fields<'a>) -> Option<Vec<CertificateDer<'a>>> {
    let Some(set) = data.maybe(tagged(0))? else {
        return Some(Vec::new());
    };
    let mut fields = Fields::inside(set, tagged(0))?;
    let mut certificates = Vec::new();
    while !fields.is_finished() {
        let is_certificate = fields.is_next(Tag::Sequence);
        let raw = fields.raw()?;
        if is_certificate {
            (certificates.len() < CERTIFICATES).then_some(())?;
            certificates.push(CertificateDer::from(raw));
        }
    }
    Some(certificates)
}

fn signed<'a>(
    mut signer: Fields<'a>,
    content: &'a [u8],
    certificates: Vec<CertificateDer<'a>>,
) -> Option<Signed<'a>> {
    signer.value(Tag::Integer)?;
    let named = if signer.is_next(Tag::Sequence) {
        let mut name = signer.fields(Tag::Sequence)?;
        Some((name.raw()?, name.value(Tag::Integer)?))
    } else {
        signer.any()?;
        None
    };
    let digest = signer.algorithm()?;
    let attributes = signer.value(tagged(0))?;
    let algorithm = signer.algorithm()?;
    let signature = signer.value(Tag::OctetString)?;
    Some(Signed {
        content,
        certificates,
        named,
        digest,
        attributes,
        algorithm,
        signature,
    })
}
