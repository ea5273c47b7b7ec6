//! Why a trail cannot be written, and why a key does not open it.

use thiserror::Error;

/// Why a trail cannot be written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TrailError {
    /// A field of the head is out of bounds.
    #[error("the head of a trail is refused: {field} {problem}")]
    Head {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A certificate cannot receive a key.
    #[error("the certificate cannot be used to encrypt trails: {problem}")]
    Certificate {
        /// What is wrong with it, and what to do.
        problem: &'static str,
    },
    /// Somebody is to read what was typed, and nobody what was shown.
    #[error(
        "certificates are named for what is typed and none for what is shown: name one in the audit policy"
    )]
    NobodyReadsOutput,
    /// More recipients than a head has room for.
    #[error("a trail is encrypted for {count} certificates, at most {most} are possible")]
    TooManyRecipients {
        /// How many.
        count: usize,
        /// How many are possible.
        most: usize,
    },
    /// The signing key cannot be used.
    #[error("the key that signs trails cannot be used: {problem}")]
    SigningKey {
        /// What is wrong with it, and what to do.
        problem: &'static str,
    },
    /// An event is longer than a record may be.
    #[error("an event of {size} bytes is not recorded, at most {most} are")]
    EventTooLong {
        /// Its bytes.
        size: usize,
        /// How many are possible.
        most: usize,
    },
    /// A timestamp is longer than a record may be.
    #[error("a timestamp of {size} bytes is not recorded, at most {most} are")]
    TimestampTooLong {
        /// Its bytes.
        size: usize,
        /// How many are possible.
        most: usize,
    },
    /// The library of cryptography refused.
    #[error("the library of cryptography could not {operation}; nothing more can be recorded")]
    Cryptography {
        /// What it was to do.
        operation: &'static str,
    },
    /// The library of compression refused.
    #[error("what is recorded could not be compressed; nothing more can be recorded")]
    Compress,
}

/// Why a key does not open a trail.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// It is no private key that is known.
    #[error("the private key cannot be used: {problem}")]
    Unusable {
        /// What is wrong with it, and what to do.
        problem: &'static str,
    },
    /// The trail is for others.
    #[error("the trail is not encrypted for this key; it is for: {recipients}")]
    NotForThisKey {
        /// Names of the certificates it is for.
        recipients: String,
    },
    /// The key is that of a recipient, and what it wraps does not open.
    #[error("the key of the trail that was wrapped for {recipient} does not open: the trail is damaged")]
    Wrapped {
        /// Name of the certificate.
        recipient: String,
    },
    /// What it opens is not what was written.
    #[error("record {sequence} does not open with the key of the trail: the trail is damaged")]
    Chunk {
        /// Number of the record.
        sequence: u64,
    },
    /// Its stream is encrypted and the key is not there.
    #[error("what was {what} is encrypted: give the private key of one of: {recipients}")]
    Locked {
        /// `shown` or `typed`.
        what: &'static str,
        /// Names of the certificates it is for.
        recipients: String,
    },
}
