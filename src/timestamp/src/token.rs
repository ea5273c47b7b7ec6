//! A token: what an authority says (TSTInfo, RFC 3161, 2.4.2), and whether it counts.

use x509_cert::der::Tag;
use x509_cert::der::asn1::ObjectIdentifier;

use crate::authority::Authority;
use crate::error::TokenError;
use crate::fields::Fields;
use crate::request::{DIGEST, SHA256};
use crate::signature::verify;
use crate::signed::Signed;
use crate::stamped::{Stamp, accuracy, time};

/// What an authority says.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    pub(crate) policy: ObjectIdentifier,
    digest: &'a [u8],
    is_sha256: bool,
    serial: &'a [u8],
    /// Milliseconds since 1970.
    time: i64,
    /// Milliseconds.
    accuracy: Option<u64>,
    /// Content of an INTEGER.
    pub(crate) nonce: Option<&'a [u8]>,
}

impl<'a> Token<'a> {
    fn read(content: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::of(content)?;
        if fields.value(Tag::Integer)? != [1] {
            return None;
        }
        let policy = fields.oid()?;
        let mut imprint = fields.fields(Tag::Sequence)?;
        let is_sha256 = imprint.algorithm()? == SHA256;
        let digest = imprint.value(Tag::OctetString)?;
        let serial = fields.value(Tag::Integer)?;
        let time = time(fields.value(Tag::GeneralizedTime)?)?;
        let accuracy = match fields.maybe(Tag::Sequence)? {
            Some(value) => Some(accuracy(Fields::inside(value, Tag::Sequence)?)?),
            None => None,
        };
        let _ordering = fields.maybe(Tag::Boolean)?;
        let nonce = fields
            .maybe(Tag::Integer)?
            .map(x509_cert::der::asn1::AnyRef::value);
        Some(Self {
            policy,
            digest,
            is_sha256,
            serial,
            time,
            accuracy,
            nonce,
        })
    }
}

/// Judges a token, DER, of which is said that it is about this SHA-256. Its certificate is judged as of the time it tells.
///
/// # Errors
/// It does not count.
pub fn judge(token: &[u8], digest: &[u8; DIGEST], authority: &Authority) -> Result<Stamp, TokenError> {
    open(token, digest, authority).map(|(_, stamp)| stamp)
}

pub(crate) fn open<'a>(
    raw: &'a [u8],
    digest: &[u8; DIGEST],
    authority: &Authority,
) -> Result<(Token<'a>, Stamp), TokenError> {
    let signed = Signed::read(raw)?;
    let token = Token::read(signed.content).ok_or(TokenError::Malformed {
        what: "what it says is not what an authority says",
    })?;
    let name = verify(&signed, token.time, authority)?;
    if !token.is_sha256 || token.digest != digest {
        return Err(TokenError::Imprint);
    }
    let stamp = Stamp {
        time: token.time,
        accuracy: token.accuracy,
        serial: token.serial.iter().map(|byte| format!("{byte:02x}")).collect(),
        policy: token.policy.to_string(),
        authority: name,
    };
    Ok((token, stamp))
}
