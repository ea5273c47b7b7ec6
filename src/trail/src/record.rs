//! Records: what a trail is made of after its head, and how each is chained to all before it.
//!
//! `header: 28 bytes, body, link: 32 bytes`. The header is
//! `kind: u8, stream: u8, flags: u16, body length: u32, sequence: u64, microseconds since the start: u64, check: 4 bytes`; its check is the
//! beginning of the SHA-256 of the 24 bytes before it, so that a damaged length is not taken for the end of the file. The link is the SHA-256
//! of the link before, the header and the body; the first link is that of the whole head with its signature.

use aws_lc_rs::digest::{Context, SHA256, digest};

use crate::codec::Bytes;

/// Bytes of a header.
pub(crate) const HEADER: usize = 28;
/// Bytes of it that its check covers.
const CHECKED: usize = 24;
/// Bytes of a link, a SHA-256.
pub(crate) const LINK: usize = 32;
/// Longest body of a record, bytes.
pub(crate) const MAX_RECORD_BODY: usize = 1024 * 1024;
/// Longest record, bytes.
pub const MAX_RECORD: usize = HEADER + MAX_RECORD_BODY + LINK;

/// What a record is. Kinds that a reader does not know are passed over, and chained as all are.
pub(crate) const CHUNK: u8 = 1;
pub(crate) const SEAL: u8 = 2;
pub(crate) const TIMESTAMP: u8 = 3;
pub(crate) const END: u8 = 4;

/// The body is compressed.
pub(crate) const COMPRESSED: u16 = 1;
/// The body is encrypted.
pub(crate) const ENCRYPTED: u16 = 2;
/// The next chunk is of the same time, and of the other stream.
pub(crate) const MORE: u16 = 4;

/// Whose events a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// What was shown, and what is known of channels.
    Downstream,
    /// What was typed.
    Upstream,
}

impl Stream {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Downstream => 1,
            Self::Upstream => 2,
        }
    }

    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Downstream),
            2 => Some(Self::Upstream),
            _ => None,
        }
    }
}

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: u8,
    /// [`Stream::number`] of a chunk, 0 of everything else.
    pub(crate) stream: u8,
    pub(crate) flags: u16,
    pub(crate) length: u32,
    pub(crate) sequence: u64,
    pub(crate) at: u64,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[0] = self.kind;
        out[1] = self.stream;
        out[2..4].copy_from_slice(&self.flags.to_be_bytes());
        out[4..8].copy_from_slice(&self.length.to_be_bytes());
        out[8..16].copy_from_slice(&self.sequence.to_be_bytes());
        out[16..CHECKED].copy_from_slice(&self.at.to_be_bytes());
        let check = check(&out[..CHECKED]);
        out[CHECKED..].copy_from_slice(&check);
        out
    }

    /// None when it is damaged.
    pub(crate) fn decode(raw: &[u8; HEADER]) -> Option<Self> {
        let mut bytes = Bytes(raw);
        let header = Self {
            kind: bytes.u8()?,
            stream: bytes.u8()?,
            flags: bytes.u16()?,
            length: bytes.u32()?,
            sequence: bytes.u64()?,
            at: bytes.u64()?,
        };
        let fits = usize::try_from(header.length).is_ok_and(|length| length <= MAX_RECORD_BODY);
        (bytes.rest() == check(&raw[..CHECKED]) && fits).then_some(header)
    }
}

/// The beginning of a SHA-256.
pub(crate) fn check(bytes: &[u8]) -> [u8; 4] {
    let mut out = [0; 4];
    out.copy_from_slice(&digest(&SHA256, bytes).as_ref()[..4]);
    out
}

/// The SHA-256 of several parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; LINK] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; LINK];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// What the signature of a seal is made over: the link before the seal, its number, how many chunks there are, when.
pub(crate) fn seal_text(link: &[u8; LINK], sequence: u64, chunks: u64, time: i64) -> Vec<u8> {
    let mut text = b"sps trail seal 1\0".to_vec();
    text.extend_from_slice(link);
    text.extend_from_slice(&sequence.to_be_bytes());
    text.extend_from_slice(&chunks.to_be_bytes());
    text.extend_from_slice(&time.to_be_bytes());
    text
}
