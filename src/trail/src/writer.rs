//! Writes a trail.
//!
//! Events gather until [`Options::payload`] bytes are together or somebody takes what there is; then they become a chunk of each stream,
//! compressed and encrypted. Invariants: what was taken is never taken back; every byte that is given out is whole records; an idle writer
//! holds some hundred bytes beside its keys.

use std::borrow::Cow;
use std::sync::Arc;

use aws_lc_rs::aead::Aad;

use crate::codec::put_bytes;
use crate::error::TrailError;
use crate::event::{Event, Kind};
use crate::event_codec::{MAX_BODY, put_body};
use crate::head::{Head, MAX_TEXT};
use crate::head_codec;
use crate::keys::{Seed, StreamKeys, draw, nonce};
use crate::pending::Pending;
use crate::press::Press;
use crate::recipient::Recipients;
use crate::record::{
    CHUNK, COMPRESSED, ENCRYPTED, END, HEADER, Header, LINK, MAX_RECORD_BODY, MORE, SEAL, Stream, TIMESTAMP,
    seal_text, sha256,
};
use crate::sign::SigningKey;
use crate::verdict::Ending;

/// Bytes of a tag of AES-GCM.
const TAG: usize = 16;
/// Fewest and most bytes of events in a chunk; an event that is longer has one of its own.
const PAYLOADS: std::ops::RangeInclusive<usize> = 1024..=256 * 1024;

/// How a trail is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Milliseconds after which what was written is sealed.
    pub seal_every: u32,
    /// Bytes of events that make a chunk full; 1 KiB to 256 KiB.
    pub payload: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seal_every: 10_000,
            payload: 64 * 1024,
        }
    }
}

/// Writes one trail. Send, so that whoever stores it may take from it too.
#[derive(Debug)]
pub struct Writer {
    /// None: the trail is not encrypted.
    keys: Option<StreamKeys>,
    signer: Arc<SigningKey>,
    options: Options,
    start: i64,
    link: [u8; LINK],
    sequence: u64,
    chunks: u64,
    last_at: u64,
    downstream: Pending,
    upstream: Pending,
    press: Press,
    /// Whole records that nobody took yet.
    ready: Vec<u8>,
    /// When the first record was made that is not sealed; none when all are.
    unsealed_since: Option<i64>,
    /// SHA-256 of the last seal's signature.
    last_seal: Option<[u8; LINK]>,
    /// Chunks before that.
    sealed_chunks: u64,
    /// The seal that an authority is asked about, and the chunks before it.
    asked: Option<([u8; LINK], u64)>,
    /// Chunks before the last seal that a timestamp is about.
    stamped_chunks: u64,
}

impl Writer {
    /// Begins a trail: the writer, and the bytes the file begins with.
    ///
    /// # Errors
    /// The head is out of bounds, or there is no way to encrypt for the recipients.
    pub fn new(
        head: &Head,
        recipients: &Recipients,
        signer: &Arc<SigningKey>,
        seed: &Seed,
        options: Options,
    ) -> Result<(Self, Vec<u8>), TrailError> {
        head.check()?;
        let (keys, wrapped) = draw(seed, recipients, &head.session)?;
        let bytes = head_codec::encode(head, &wrapped, signer)?;
        let writer = Self {
            keys,
            signer: Arc::clone(signer),
            options: Options {
                payload: options.payload.clamp(*PAYLOADS.start(), *PAYLOADS.end()),
                ..options
            },
            start: head.start,
            link: sha256(&[&bytes]),
            sequence: 0,
            chunks: 0,
            last_at: 0,
            downstream: Pending::default(),
            upstream: Pending::default(),
            press: Press::default(),
            ready: Vec::new(),
            unsealed_since: None,
            last_seal: None,
            sealed_chunks: 0,
            asked: None,
            stamped_chunks: 0,
        };
        Ok((writer, bytes))
    }

    /// Records an event. Outputs of a channel that follow each other within 15 ms become one. The caller takes what gathers
    /// ([`Writer::waiting`]): nothing bounds it here.
    ///
    /// # Errors
    /// It is too long, and was not recorded; or nothing more can be recorded.
    pub fn event(&mut self, event: &Event<'_>) -> Result<(), TrailError> {
        self.last_at = self.last_at.max(event.at);
        let at = self.last_at;
        match &event.kind {
            Kind::Output { data, is_stderr } => {
                let is_stderr = *is_stderr;
                self.in_pieces(data, |data| Event {
                    at,
                    channel: event.channel,
                    kind: Kind::Output { data, is_stderr },
                })
            }
            Kind::Input { data } => self.in_pieces(data, |data| Event {
                at,
                channel: event.channel,
                kind: Kind::Input { data },
            }),
            kind => {
                short_enough(kind)?;
                let event = Event {
                    at,
                    channel: event.channel,
                    kind: kind.clone(),
                };
                self.add(&event)
            }
        }
    }

    /// Data of any length, a chunk's worth at a time.
    fn in_pieces<'a>(
        &mut self,
        mut data: &'a [u8],
        event: impl Fn(Cow<'a, [u8]>) -> Event<'a>,
    ) -> Result<(), TrailError> {
        while !data.is_empty() {
            let room = self.options.payload.saturating_sub(self.gathered()).max(1);
            let (piece, rest) = data.split_at(room.min(data.len()));
            self.add(&event(Cow::Borrowed(piece)))?;
            data = rest;
        }
        Ok(())
    }

    fn add(&mut self, event: &Event<'_>) -> Result<(), TrailError> {
        let (own, other) = match event.kind {
            Kind::Input { .. } => (&mut self.upstream, &mut self.downstream),
            _ => (&mut self.downstream, &mut self.upstream),
        };
        own.add(event);
        other.interrupt();
        if self.gathered() >= self.options.payload {
            self.close_round()?;
        }
        Ok(())
    }

    /// Bytes of events that are in no chunk yet.
    const fn gathered(&self) -> usize {
        self.downstream.len() + self.upstream.len()
    }

    /// Bytes that wait to be taken.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.ready.len() + self.gathered()
    }

    /// Whether everything was taken and sealed: until the next event nothing is to be taken.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.waiting() == 0 && self.unsealed_since.is_none()
    }

    /// What is to be appended to the file: whole records, and a seal when one is due. `now` is milliseconds since 1970.
    ///
    /// # Errors
    /// Nothing more can be recorded.
    pub fn take(&mut self, now: i64) -> Result<Option<Vec<u8>>, TrailError> {
        self.close_round()?;
        if !self.ready.is_empty() {
            self.unsealed_since.get_or_insert(now);
        }
        let due = |since: i64| now.saturating_sub(since) >= i64::from(self.options.seal_every) || now < since;
        if self.unsealed_since.is_some_and(due) {
            self.seal(now)?;
        }
        Ok(Some(std::mem::take(&mut self.ready)).filter(|bytes| !bytes.is_empty()))
    }

    /// What a timestamping authority is asked to stamp (RFC 3161): the SHA-256 of the last seal's signature.
    #[must_use]
    pub const fn last_seal(&self) -> Option<[u8; LINK]> {
        self.last_seal
    }

    /// Seals what is not sealed yet, for a timestamp: what the authority is asked to stamp, or nothing where no events came since the
    /// seal that the last timestamp is about.
    ///
    /// # Errors
    /// Nothing more can be recorded.
    pub fn seal_to_stamp(&mut self, now: i64) -> Result<Option<[u8; LINK]>, TrailError> {
        self.close_round()?;
        if self.chunks > self.sealed_chunks {
            self.seal(now)?;
        }
        let wanted = self
            .last_seal
            .filter(|_| self.sealed_chunks > self.stamped_chunks);
        self.asked = wanted.map(|about| (about, self.sealed_chunks)).or(self.asked);
        Ok(wanted)
    }

    /// Records the answer of a timestamping authority: the token, DER, and what it is about, as [`Writer::last_seal`] gave it.
    ///
    /// # Errors
    /// It is too long, and was not recorded.
    pub fn timestamp(&mut self, about: &[u8; LINK], token: &[u8]) -> Result<(), TrailError> {
        let (size, most) = (token.len(), MAX_RECORD_BODY - LINK);
        if size > most {
            return Err(TrailError::TimestampTooLong { size, most });
        }
        self.close_round()?;
        self.plain_record(TIMESTAMP, &[&about[..], token].concat());
        if let Some((_, chunks)) = self.asked.filter(|(asked, _)| asked == about) {
            self.stamped_chunks = chunks;
        }
        Ok(())
    }

    /// Ends the trail: the last bytes of the file, sealed.
    ///
    /// # Errors
    /// Nothing more can be recorded; what was taken before is good.
    pub fn finish(mut self, ending: &Ending, now: i64) -> Result<Vec<u8>, TrailError> {
        self.close_round()?;
        let reason = &ending.reason[..ending.reason.floor_char_boundary(MAX_TEXT)];
        let mut body = Vec::new();
        put_bytes(&mut body, ending.verdict.as_str().as_bytes());
        put_bytes(&mut body, reason.as_bytes());
        self.plain_record(END, &body);
        self.seal(now)?;
        Ok(self.ready)
    }

    /// Makes chunks of what has gathered: what was typed first, since it was before its echo.
    fn close_round(&mut self) -> Result<(), TrailError> {
        let both = !self.upstream.is_empty() && !self.downstream.is_empty();
        self.chunk(Stream::Upstream, if both { MORE } else { 0 })?;
        self.chunk(Stream::Downstream, 0)
    }

    fn chunk(&mut self, stream: Stream, more: u16) -> Result<(), TrailError> {
        let pending = match stream {
            Stream::Downstream => &mut self.downstream,
            Stream::Upstream => &mut self.upstream,
        };
        if pending.is_empty() {
            return Ok(());
        }
        let start = self.ready.len();
        self.ready.resize(start + HEADER, 0);
        let smaller = self.press.compress(pending.bytes(), &mut self.ready);
        let smaller = smaller.ok_or(TrailError::Compress)?;
        let at = pending.last_at();
        pending.clear();
        let key = self.keys.as_ref().and_then(|keys| keys.of(stream));
        let tag = if key.is_some() { TAG } else { 0 };
        let header = Header {
            kind: CHUNK,
            stream: stream.number(),
            flags: more | if smaller { COMPRESSED } else { 0 } | if key.is_some() { ENCRYPTED } else { 0 },
            length: length(self.ready.len() - start - HEADER + tag),
            sequence: self.sequence,
            at,
        };
        let header = header.encode();
        if let Some(key) = key {
            let body = &mut self.ready[start + HEADER..];
            let sealed = key.seal_in_place_separate_tag(nonce(self.sequence), Aad::from(&header), body);
            let failed = |_| TrailError::Cryptography { operation: "encrypt" };
            let tag = sealed.map_err(failed)?;
            self.ready.extend_from_slice(tag.as_ref());
        }
        self.ready[start..start + HEADER].copy_from_slice(&header);
        self.chunks += 1;
        self.chain(start);
        Ok(())
    }

    /// Links the record that reaches from `start` to the end.
    fn chain(&mut self, start: usize) {
        self.link = sha256(&[&self.link, &self.ready[start..]]);
        self.ready.extend_from_slice(&self.link);
        self.sequence += 1;
    }

    fn plain_record(&mut self, kind: u8, body: &[u8]) {
        let start = self.ready.len();
        let header = Header {
            kind,
            stream: 0,
            flags: 0,
            length: length(body.len()),
            sequence: self.sequence,
            at: self.last_at,
        };
        self.ready.extend_from_slice(&header.encode());
        self.ready.extend_from_slice(body);
        self.chain(start);
    }

    fn seal(&mut self, now: i64) -> Result<(), TrailError> {
        let now = now.max(self.start);
        let text = seal_text(&self.link, self.sequence, self.chunks, now);
        let signature = self.signer.sign(&text)?;
        let body = [&self.chunks.to_be_bytes()[..], &now.to_be_bytes(), &signature].concat();
        self.plain_record(SEAL, &body);
        self.last_seal = Some(sha256(&[&signature]));
        self.sealed_chunks = self.chunks;
        self.unsealed_since = None;
        Ok(())
    }
}

/// Bodies are bounded far below.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn short_enough(kind: &Kind<'_>) -> Result<(), TrailError> {
    let mut body = Vec::new();
    put_body(&mut body, kind);
    if body.len() > MAX_BODY {
        return Err(TrailError::EventTooLong {
            size: body.len(),
            most: MAX_BODY,
        });
    }
    Ok(())
}
