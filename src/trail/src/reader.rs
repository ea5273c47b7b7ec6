//! Reads a trail as its bytes come, and verifies all of it without any key.
//!
//! Invariants: at most one record is kept; nothing is given out before its place in the chain was verified; after the first thing that is
//! wrong nothing more is given out.

use sps_session_record::Word;

use crate::codec::Bytes;
use crate::error::KeyError;
use crate::head::MAX_TEXT;
use crate::head_codec::{self, FullHead, START, Start, is_signed};
use crate::keys::{self, Opener, PrivateKey};
use crate::record::{
    CHUNK, COMPRESSED, ENCRYPTED, END, HEADER, Header, LINK, MORE, SEAL, Stream, TIMESTAMP, seal_text, sha256,
};
use crate::report::{Report, State};
use crate::sign::{PublicKey, SIGNATURE};
use crate::verdict::Ending;

/// What comes next in a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The head; [`Reader::report`] has it.
    Head,
    /// Events.
    Chunk(Chunk),
    /// Everything before is signed.
    Seal {
        /// When, milliseconds since 1970.
        time: i64,
        /// By what.
        signature: [u8; SIGNATURE],
        /// What a timestamp of it is about: the SHA-256 of the signature.
        about: [u8; LINK],
    },
    /// A timestamping authority's answer (RFC 3161), not judged.
    Timestamp {
        /// SHA-256 of the signature it is about.
        about: [u8; LINK],
        /// DER.
        token: Vec<u8>,
    },
    /// How the session ended; a seal follows.
    End,
}

/// Events of one stream, verified and still closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Which stream.
    pub stream: Stream,
    /// Number of the record.
    pub sequence: u64,
    /// Microseconds from the start to its last event.
    pub at: u64,
    pub(crate) flags: u16,
    pub(crate) header: [u8; HEADER],
    pub(crate) body: Vec<u8>,
}

impl Chunk {
    pub(crate) const fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0
    }

    pub(crate) const fn is_compressed(&self) -> bool {
        self.flags & COMPRESSED != 0
    }

    /// Whether the next chunk is of the same time.
    pub(crate) const fn has_more(&self) -> bool {
        self.flags & MORE != 0
    }
}

/// Reads one trail.
#[derive(Debug)]
pub struct Reader {
    expected: Option<PublicKey>,
    /// What came and was not read yet; at most a record and what came with its last byte.
    buffer: Vec<u8>,
    /// Bytes of it that were read.
    used: usize,
    /// Bytes before the buffer.
    before: u64,
    full: Option<FullHead>,
    link: [u8; LINK],
    sequence: u64,
    /// An end record came; 2: and its seal.
    ended: u8,
    /// Only zeros come: a power cut left room that was never written.
    zeros: bool,
    broken: Option<State>,
    report: Report,
}

impl Reader {
    /// A reader that expects the signatures of `expected`; without one those of whoever the head names.
    #[must_use]
    pub const fn new(expected: Option<PublicKey>) -> Self {
        Self {
            expected,
            buffer: Vec::new(),
            used: 0,
            before: 0,
            full: None,
            link: [0; LINK],
            sequence: 0,
            ended: 0,
            zeros: false,
            broken: None,
            report: Report {
                state: State::Cut { whole: 0 },
                head: None,
                signer: None,
                recipients: Vec::new(),
                chunks: 0,
                last_at: None,
                sealed_chunks: 0,
                sealed_until: None,
                timestamps: 0,
                ending: None,
            },
        }
    }

    /// Takes bytes of the file in their order. Read all items ([`Reader::next`]) before more are given, else they gather.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.broken.is_some() {
            return;
        }
        self.before += self.used as u64;
        self.buffer.drain(..self.used);
        self.used = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next item; none when more bytes are needed, or nothing more comes.
    #[expect(clippy::should_implement_trait, reason = "more may come after none")]
    pub fn next(&mut self) -> Option<Item> {
        while self.broken.is_none() {
            let step = if self.full.is_none() {
                self.head()
            } else {
                self.record()
            };
            match step {
                Ok(Step::Item(item)) => return Some(item),
                Ok(Step::Again) => {}
                Ok(Step::Wait) => return None,
                Err(state) => self.broken = Some(state),
            }
        }
        None
    }

    /// What is known. Called when all bytes were given, it is the verdict.
    #[must_use]
    pub fn report(&self) -> Report {
        let state = match self.broken {
            Some(state) => state,
            None if self.ended == 2 => State::Complete,
            None => State::Cut { whole: self.place() },
        };
        Report {
            state,
            ..self.report.clone()
        }
    }

    /// Opens chunks with private keys of recipients; none for a trail that is not encrypted. Nothing before the head was read.
    ///
    /// # Errors
    /// None of the keys is that of a recipient, or one does not open.
    pub fn opener(&self, keys: &[PrivateKey]) -> Option<Result<Opener, KeyError>> {
        self.full.as_ref().map(|full| Opener::new(full, keys))
    }

    /// Fingerprints of the keys of which one opens a stream ([`PrivateKey::fingerprint`]), empty when the trail is not encrypted; none before the
    /// head was read.
    #[must_use]
    pub fn readers(&self, stream: Stream) -> Option<Vec<[u8; 32]>> {
        self.full.as_ref().map(|full| keys::fingerprints(full, stream))
    }

    /// Where the next record begins.
    const fn place(&self) -> u64 {
        self.before + self.used as u64
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.used..).unwrap_or_default()
    }

    const fn damaged(&self, what: &'static str) -> State {
        State::Damaged {
            at: self.place(),
            what,
        }
    }

    fn head(&mut self) -> Result<Step, State> {
        let magic = self.rest().len().min(head_codec::MAGIC.len());
        if self.rest()[..magic] != head_codec::MAGIC[..magic] {
            return Err(State::NotATrail);
        }
        let Some(start) = self.rest().first_chunk::<START>() else {
            return Ok(Step::Wait);
        };
        let fields = match head_codec::start(start) {
            Start::Fields(length) => START + length,
            Start::Stranger => return Err(State::NotATrail),
            Start::Newer(version) => return Err(State::Newer { version }),
            Start::Damaged => return Err(self.damaged("its head is not what was written")),
        };
        let Some(whole) = self.rest().get(..fields + SIGNATURE) else {
            return Ok(Step::Wait);
        };
        let (raw, signature) = whole.split_at(fields);
        let Some(full) = head_codec::decode(&raw[START..]) else {
            return Err(self.damaged("its head is not what was written"));
        };
        if !is_signed(raw, signature, &full.signer) {
            return Err(State::SignatureBad { at: 0 });
        }
        if self.expected.is_some_and(|expected| expected != full.signer) {
            return Err(State::OtherSigner);
        }
        self.link = sha256(&[whole]);
        self.used += fields + SIGNATURE;
        self.report.head = Some(full.head.clone());
        self.report.signer = Some(full.signer);
        self.report.recipients = full.wrapped.iter().map(|wrapped| wrapped.name.clone()).collect();
        self.full = Some(full);
        Ok(Step::Item(Item::Head))
    }

    fn record(&mut self) -> Result<Step, State> {
        if self.rest().is_empty() {
            return Ok(Step::Wait);
        }
        if self.ended == 2 {
            return Err(self.damaged("something follows its end"));
        }
        // No kind of record has the number 0.
        if self.zeros || self.rest().first() == Some(&0) {
            return self.unwritten();
        }
        let Some(raw) = self.rest().first_chunk::<HEADER>() else {
            return Ok(Step::Wait);
        };
        let Some(header) = Header::decode(raw) else {
            return Err(self.damaged("the head of a record is not what was written"));
        };
        if header.sequence != self.sequence {
            return Err(State::ChainBroken {
                at: self.place(),
                expected: self.sequence,
                found: header.sequence,
            });
        }
        let length = HEADER + usize::try_from(header.length).unwrap_or(usize::MAX - HEADER);
        let Some(whole) = self.rest().get(..length + LINK) else {
            return Ok(Step::Wait);
        };
        let (record, told) = whole.split_at(length);
        let link = sha256(&[&self.link, record]);
        if link != told {
            return Err(self.damaged("a record is not what was written"));
        }
        let (raw, body) = (*raw, record[HEADER..].to_vec());
        let item = self.item(&header, raw, body)?;
        self.link = link;
        self.sequence += 1;
        self.used += length + LINK;
        Ok(item.map_or(Step::Again, Step::Item))
    }

    /// Zeros to the end of the file are room that a file system gave and nobody wrote.
    fn unwritten(&mut self) -> Result<Step, State> {
        if self.rest().iter().any(|byte| *byte != 0) {
            return Err(self.damaged("a record is not what was written"));
        }
        self.zeros = true;
        // The place stays where the zeros begin.
        self.buffer.truncate(self.used);
        Ok(Step::Wait)
    }

    fn item(&mut self, header: &Header, raw: [u8; HEADER], body: Vec<u8>) -> Result<Option<Item>, State> {
        if self.ended == 1 && header.kind != SEAL {
            return Err(self.damaged("something other than a seal follows its end"));
        }
        let malformed = self.damaged("a record is none of this version");
        match header.kind {
            CHUNK => {
                let stream = Stream::from_number(header.stream).ok_or(malformed)?;
                self.report.chunks += 1;
                let latest = self.report.last_at.unwrap_or(0).max(header.at);
                self.report.last_at = Some(latest);
                Ok(Some(Item::Chunk(Chunk {
                    stream,
                    sequence: header.sequence,
                    at: header.at,
                    flags: header.flags,
                    header: raw,
                    body,
                })))
            }
            SEAL => self.seal(&body).map(Some),
            TIMESTAMP => {
                let (about, token) = body.split_first_chunk().ok_or(malformed)?;
                self.report.timestamps += 1;
                let (about, token) = (*about, token.to_vec());
                Ok(Some(Item::Timestamp { about, token }))
            }
            END => {
                self.report.ending = Some(ending(&body).ok_or(malformed)?);
                self.ended = 1;
                Ok(Some(Item::End))
            }
            _ => Ok(None),
        }
    }

    fn seal(&mut self, body: &[u8]) -> Result<Item, State> {
        let malformed = self.damaged("a seal is none of this version");
        let mut bytes = Bytes(body);
        let (chunks, time) = (bytes.u64().ok_or(malformed)?, bytes.i64().ok_or(malformed)?);
        let text = seal_text(&self.link, self.sequence, chunks, time);
        let signer = self.report.signer;
        let signature = <[u8; SIGNATURE]>::try_from(bytes.rest()).map_err(|_| malformed)?;
        let good = signer.is_some_and(|signer| signer.verifies(&text, &signature));
        if !good || chunks != self.report.chunks {
            return Err(State::SignatureBad { at: self.place() });
        }
        self.report.sealed_chunks = chunks;
        self.report.sealed_until = Some(time);
        if self.ended == 1 {
            self.ended = 2;
        }
        Ok(Item::Seal {
            time,
            signature,
            about: sha256(&[&signature]),
        })
    }
}

fn ending(body: &[u8]) -> Option<Ending> {
    let mut bytes = Bytes(body);
    let verdict = String::from_utf8(bytes.bytes()?.to_vec()).ok()?;
    let reason = bytes.bytes().filter(|reason| reason.len() <= MAX_TEXT)?;
    Some(Ending {
        verdict: Word::try_from(verdict).ok()?,
        reason: String::from_utf8_lossy(reason).into_owned(),
    })
}

/// What reading came to.
enum Step {
    Item(Item),
    /// Something that is passed over.
    Again,
    /// More bytes are needed.
    Wait,
}
