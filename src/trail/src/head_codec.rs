//! The head as bytes, and back.
//!
//! `magic: 8 bytes, version: u8, minor: u8, length: u32, check: 4 bytes, fields, signature: 64 bytes`. The check is the beginning of the SHA-256
//! of the 14 bytes before it; the signature is over the context and everything from the magic to the last field. A field is
//! `tag: u8, length: varint, bytes`; tags that a reader does not know are passed over.

use sps_session_record::Word;

use crate::codec::{Bytes, put_bytes, put_varint};
use crate::error::TrailError;
use crate::head::{Fact, Head};
use crate::keys::Wrapped;
use crate::record::check;
use crate::sign::{PublicKey, SIGNATURE, SigningKey};

/// As of PNG: a byte no text begins with, a name, the ends of lines that copying as text would change, the end of file of DOS.
pub(crate) const MAGIC: [u8; 8] = *b"\x89SPT\r\n\x1a\n";
/// A reader refuses a later one.
pub(crate) const VERSION: u8 = 1;
/// A later one has more fields, kinds of records and of events, which are passed over.
const MINOR: u8 = 0;
/// Bytes before the fields.
pub(crate) const START: usize = 18;
/// Most bytes of the fields: 32 wrapped keys of RSA with 8192 bits, 64 facts, and their names.
pub(crate) const MAX_FIELDS: usize = 256 * 1024;
const CONTEXT: &[u8] = b"sps trail head 1\0";

const SESSION: u8 = 1;
const BEGAN: u8 = 2;
const PROTOCOL: u8 = 3;
const CONNECTION: u8 = 4;
const FACT: u8 = 5;
const SIGNER: u8 = 6;
const ENCRYPTION: u8 = 7;
const RECIPIENT: u8 = 8;

/// The signing algorithm of this version.
const ED25519: u8 = 1;
/// AES-128-GCM, its nonce four zero bytes and the sequence number.
const AES_128_GCM: u8 = 1;

/// A head with what belongs to it in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FullHead {
    pub(crate) head: Head,
    pub(crate) signer: PublicKey,
    /// Empty: it is not encrypted.
    pub(crate) wrapped: Vec<Wrapped>,
}

/// The bytes of a head with its signature.
pub(crate) fn encode(head: &Head, wrapped: &[Wrapped], signer: &SigningKey) -> Result<Vec<u8>, TrailError> {
    let fields = fields(head, wrapped, signer);
    let long = TrailError::Head {
        field: "facts",
        problem: "are too long",
    };
    let length = u32::try_from(fields.len())
        .ok()
        .filter(|_| fields.len() <= MAX_FIELDS);
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&[VERSION, MINOR]);
    out.extend_from_slice(&length.ok_or(long)?.to_be_bytes());
    let check = check(&out);
    out.extend_from_slice(&check);
    out.extend_from_slice(&fields);
    let signature = signer.sign(&[CONTEXT, &out].concat())?;
    out.extend_from_slice(&signature);
    Ok(out)
}

fn fields(head: &Head, wrapped: &[Wrapped], signer: &SigningKey) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, SESSION, head.session.as_bytes());
    put(&mut out, BEGAN, &head.start.to_be_bytes());
    put(&mut out, PROTOCOL, head.protocol.as_str().as_bytes());
    put(&mut out, CONNECTION, head.connection.as_bytes());
    for fact in &head.facts {
        let mut field = Vec::new();
        put_bytes(&mut field, fact.name.as_str().as_bytes());
        field.extend_from_slice(fact.text.as_bytes());
        put(&mut out, FACT, &field);
    }
    put(&mut out, SIGNER, &[&[ED25519][..], &signer.public().0].concat());
    if !wrapped.is_empty() {
        put(&mut out, ENCRYPTION, &[AES_128_GCM]);
    }
    for key in wrapped {
        let mut field = vec![key.streams, key.way];
        field.extend_from_slice(&key.fingerprint);
        put_bytes(&mut field, key.name.as_bytes());
        field.extend_from_slice(&key.bytes);
        put(&mut out, RECIPIENT, &field);
    }
    out
}

fn put(out: &mut Vec<u8>, tag: u8, field: &[u8]) {
    out.push(tag);
    put_varint(out, field.len() as u64);
    out.extend_from_slice(field);
}

/// What the first [`START`] bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// How many bytes of fields follow, then the signature.
    Fields(usize),
    /// It is no trail.
    Stranger,
    /// It is of a later version.
    Newer(u8),
    /// It is damaged.
    Damaged,
}

/// Reads the first [`START`] bytes.
pub(crate) fn start(raw: &[u8; START]) -> Start {
    let mut bytes = Bytes(raw);
    let (magic, version, _minor) = (bytes.array(), bytes.u8(), bytes.u8());
    let (length, told) = (bytes.u32(), bytes.rest());
    if magic != Some(MAGIC) {
        return Start::Stranger;
    }
    match version {
        Some(VERSION) => {}
        Some(version) if version > VERSION => return Start::Newer(version),
        _ => return Start::Damaged,
    }
    match length.and_then(|length| usize::try_from(length).ok()) {
        Some(length) if length <= MAX_FIELDS && told == check(&raw[..START - 4]) => Start::Fields(length),
        _ => Start::Damaged,
    }
}

/// Reads the fields. None when they are no head of this version.
pub(crate) fn decode(fields: &[u8]) -> Option<FullHead> {
    let mut bytes = Bytes(fields);
    let mut parts = Parts::default();
    while !bytes.is_empty() {
        let tag = bytes.u8()?;
        let field = bytes.bytes()?;
        parts.add(tag, Bytes(field))?;
    }
    parts.finish()
}

/// Whether the signature is that of `signer`. `raw` reaches from the magic to the last field.
pub(crate) fn is_signed(raw: &[u8], signature: &[u8], signer: &PublicKey) -> bool {
    signature.len() == SIGNATURE && signer.verifies(&[CONTEXT, raw].concat(), signature)
}

#[derive(Default)]
struct Parts {
    session: Option<String>,
    start: Option<i64>,
    protocol: Option<Word>,
    connection: Option<String>,
    facts: Vec<Fact>,
    signer: Option<PublicKey>,
    encryption: Option<u8>,
    wrapped: Vec<Wrapped>,
}

impl Parts {
    fn add(&mut self, tag: u8, mut field: Bytes<'_>) -> Option<()> {
        match tag {
            SESSION => self.session = Some(text(field.rest())?),
            BEGAN => self.start = Some(field.i64()?),
            PROTOCOL => self.protocol = Some(text(field.rest())?.try_into().ok()?),
            CONNECTION => self.connection = Some(text(field.rest())?),
            FACT => self.facts.push(Fact {
                name: text(field.bytes()?)?.try_into().ok()?,
                text: text(field.rest())?,
            }),
            SIGNER if field.u8()? == ED25519 => self.signer = Some(PublicKey(field.array()?)),
            ENCRYPTION => self.encryption = Some(field.u8()?),
            RECIPIENT => self.wrapped.push(Wrapped {
                streams: field.u8()?,
                way: field.u8()?,
                fingerprint: field.array()?,
                name: text(field.bytes()?)?,
                bytes: field.rest().to_vec(),
            }),
            _ => {}
        }
        Some(())
    }

    fn finish(self) -> Option<FullHead> {
        let wanted = (!self.wrapped.is_empty()).then_some(AES_128_GCM);
        let head = Head {
            session: self.session?,
            start: self.start?,
            protocol: self.protocol?,
            connection: self.connection?,
            facts: self.facts,
        };
        let fits = head.check().is_ok() && self.encryption == wanted;
        let full = FullHead {
            head,
            signer: self.signer?,
            wrapped: self.wrapped,
        };
        fits.then_some(full)
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}
