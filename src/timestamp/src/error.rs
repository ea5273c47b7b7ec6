//! Why an authority cannot be used, or its word does not count.

use thiserror::Error;

use crate::authority::{MAX_CERTIFICATE_BYTES, MAX_CERTIFICATES};

/// Why an authority cannot be asked as it is described.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AuthorityError {
    /// Nobody's word counts.
    #[error("no certificate is given: give that of the CA which the authority's certificate leads to, PEM")]
    None,
    /// More certificates than are looked at.
    #[error("more than {MAX_CERTIFICATES} certificates: give those of the authority's CAs alone")]
    TooMany,
    /// Certificates that are too long.
    #[error(
        "the certificates have {size} bytes, more than {MAX_CERTIFICATE_BYTES}: give those of the authority's CAs alone"
    )]
    TooLong {
        /// Their bytes, all together.
        size: usize,
    },
    /// No PEM.
    #[error("certificate {number} is no certificate in PEM (BEGIN CERTIFICATE)")]
    Pem {
        /// Which, from 1.
        number: usize,
    },
    /// No certificate that can be trusted.
    #[error("certificate {number} cannot be used: {source}; give that of a CA")]
    Certificate {
        /// Which, from 1.
        number: usize,
        /// Why.
        source: webpki::Error,
    },
    /// No identifier of a policy.
    #[error("{text:?} is no object identifier: write numbers with dots, such as 1.3.6.1.4.1.13762.3")]
    Policy {
        /// What was written.
        text: String,
    },
}

/// Why a token does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It is not what RFC 3161 and RFC 5652 describe.
    #[error("it is no timestamp token (RFC 3161): {what}")]
    Malformed {
        /// What cannot be read.
        what: &'static str,
    },
    /// An algorithm that does not count, or is not known.
    #[error(
        "its {what} is of an algorithm that is not accepted; SHA-256 to SHA-512 with RSA, ECDSA or ed25519 are"
    )]
    Algorithm {
        /// What of it.
        what: &'static str,
    },
    /// It is about something else.
    #[error("it is about something else")]
    Imprint,
    /// What was signed is not what is there.
    #[error("its content is not what was signed")]
    Content,
    /// It does not have the certificate of who signed it.
    #[error("the certificate of who signed it is not in it")]
    NoCertificate,
    /// It was signed, but not by who it says.
    #[error("its signature is not that of its certificate")]
    Signature,
    /// Its certificate is not one of an authority of timestamps.
    #[error(
        "the certificate that signed it is not for timestamps alone (extended key usage timeStamping, critical)"
    )]
    Purpose,
    /// Its certificate does not lead to the CA.
    #[error("the certificate that signed it does not lead to the CA that is given: {source}")]
    Foreign {
        /// Why.
        source: webpki::Error,
    },
    /// Its certificate was not valid at that time.
    #[error("the certificate that signed it was not valid at the time it tells")]
    Expired,
}

/// Why an answer does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AnswerError {
    /// It is longer than an answer may be.
    #[error("its answer has more than {} bytes", crate::answer::MAX_ANSWER)]
    TooLong,
    /// It is none.
    #[error("its answer is none of an authority of timestamps (RFC 3161)")]
    Garbage,
    /// The authority refuses.
    #[error("it refuses: {reason}")]
    Refused {
        /// What it says.
        reason: String,
    },
    /// It is the answer to another request.
    #[error("its answer is to another request: the nonce is not the one that was sent")]
    Nonce,
    /// It was given under another policy.
    #[error("its timestamp is of the policy {found}, not of {wanted}")]
    Policy {
        /// What was asked for.
        wanted: String,
        /// What came.
        found: String,
    },
    /// The token does not count.
    #[error("its timestamp does not count: {0}")]
    Token(#[from] TokenError),
}
