//! What an authority is asked (RFC 3161, 2.4.1).

use std::fmt;

use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Encode as _, Tag};

use crate::answer;
use crate::authority::Authority;
use crate::error::{AnswerError, AuthorityError};
use crate::fields::written;
use crate::stamped::Stamp;

/// Bytes of a nonce. Some authorities read no longer number.
pub const NONCE: usize = 8;
/// Bytes of a digest, a SHA-256.
pub(crate) const DIGEST: usize = 32;
/// RFC 5754, 2.2.
pub(crate) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// The policy of an authority under which a timestamp is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyId(pub(crate) ObjectIdentifier);

impl PolicyId {
    /// Reads numbers with dots between.
    ///
    /// # Errors
    /// It is no object identifier.
    pub fn parse(text: &str) -> Result<Self, AuthorityError> {
        let wrong = |_| AuthorityError::Policy {
            text: text.to_owned(),
        };
        ObjectIdentifier::new(text).map(Self).map_err(wrong)
    }
}

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One request. Each has its own nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(crate) digest: [u8; DIGEST],
    pub(crate) nonce: [u8; NONCE],
    pub(crate) policy: Option<PolicyId>,
}

impl Request {
    /// Asks for a timestamp of a SHA-256. The nonce is random.
    #[must_use]
    pub const fn new(digest: [u8; DIGEST], nonce: [u8; NONCE], policy: Option<PolicyId>) -> Self {
        Self {
            digest,
            nonce,
            policy,
        }
    }

    /// What is sent, as `application/timestamp-query`: SHA-256, the authority's certificate wanted.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let algorithm = [SHA256.to_der().unwrap_or_default(), written(Tag::Null, &[])].concat();
        let imprint = [
            written(Tag::Sequence, &algorithm),
            written(Tag::OctetString, &self.digest),
        ];
        let policy = self.policy.and_then(|policy| policy.0.to_der().ok());
        let fields = [
            written(Tag::Integer, &[1]),
            written(Tag::Sequence, &imprint.concat()),
            policy.unwrap_or_default(),
            self.number(),
            written(Tag::Boolean, &[0xff]),
        ];
        written(Tag::Sequence, &fields.concat())
    }

    /// The nonce as an INTEGER.
    pub(crate) fn number(&self) -> Vec<u8> {
        let number = UintRef::new(&self.nonce).and_then(|number| number.to_der());
        number.unwrap_or_default()
    }

    /// Judges the answer (`application/timestamp-reply`): its token, DER, and what it says.
    ///
    /// # Errors
    /// It is none, a refusal, or the token does not count for this request.
    pub fn judge<'a>(
        &self,
        answer: &'a [u8],
        authority: &Authority,
    ) -> Result<(&'a [u8], Stamp), AnswerError> {
        answer::judge(self, answer, authority)
    }
}
