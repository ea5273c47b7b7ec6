//! The events of a trail in their order, opened with keys as its bytes come.

use std::collections::VecDeque;

use crate::error::KeyError;
use crate::event::Event;
use crate::event_codec::{Events, MAX_BODY};
use crate::keys::{Opener, PrivateKey};
use crate::reader::{Chunk, Item, Reader};
use crate::record::Stream;
use crate::report::Report;
use crate::sign::PublicKey;

/// Longest payload of a chunk once it is decompressed, bytes: what a writer gathers, and one event on top of it.
const MAX_PAYLOAD: usize = MAX_BODY + 512 * 1024;

/// Gives the events of one trail.
#[derive(Debug)]
pub struct Playback {
    reader: Reader,
    keys: Vec<PrivateKey>,
    opener: Option<Opener>,
    /// Chunks of what was typed that nobody here may read.
    closed: u64,
    /// Events of one time: at most a chunk of each stream.
    round: VecDeque<Event<'static>>,
    incomplete: bool,
}

impl Playback {
    /// With private keys of recipients; none for a trail that is not encrypted. What was typed is passed over when no key opens it.
    #[must_use]
    pub const fn new(expected: Option<PublicKey>, keys: Vec<PrivateKey>) -> Self {
        Self {
            reader: Reader::new(expected),
            keys,
            opener: None,
            closed: 0,
            round: VecDeque::new(),
            incomplete: false,
        }
    }

    /// Takes bytes of the file in their order. Read all events ([`Playback::next`]) before more are given.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
    }

    /// The next event; none when more bytes are needed, or nothing more comes.
    ///
    /// # Errors
    /// The keys are not the right ones.
    #[expect(clippy::should_implement_trait, reason = "more may come after none")]
    pub fn next(&mut self) -> Result<Option<Event<'static>>, KeyError> {
        loop {
            if !self.incomplete
                && let Some(event) = self.round.pop_front()
            {
                return Ok(Some(event));
            }
            match self.reader.next() {
                None => return Ok(None),
                Some(Item::Head) => {
                    self.opener = self.reader.opener(&self.keys).transpose()?;
                }
                Some(Item::Chunk(chunk)) => self.chunk(chunk)?,
                Some(Item::Seal { .. } | Item::Timestamp { .. } | Item::End) => {}
            }
        }
    }

    /// What is left when no more bytes come: of a trail that was cut between what was typed and what was shown.
    #[must_use]
    pub fn drain(&mut self) -> VecDeque<Event<'static>> {
        self.incomplete = false;
        std::mem::take(&mut self.round)
    }

    /// What is known. Called when all bytes were given, it is the verdict.
    #[must_use]
    pub fn report(&self) -> Report {
        self.reader.report()
    }

    /// How many chunks of what was typed were passed over, since no key opens them.
    #[must_use]
    pub const fn closed(&self) -> u64 {
        self.closed
    }

    fn chunk(&mut self, mut chunk: Chunk) -> Result<(), KeyError> {
        self.incomplete = chunk.has_more();
        let Some(opener) = &self.opener else { return Ok(()) };
        let sequence = chunk.sequence;
        if chunk.is_encrypted() {
            if chunk.stream == Stream::Upstream && !opener.opens(Stream::Upstream) {
                self.closed += 1;
                return Ok(());
            }
            opener.open(chunk.stream, sequence, &chunk.header, &mut chunk.body)?;
        }
        let malformed = || KeyError::Chunk { sequence };
        let payload = if chunk.is_compressed() {
            crate::press::decompress(&chunk.body, MAX_PAYLOAD).ok_or_else(malformed)?
        } else {
            chunk.body
        };
        let mut events = Events::new(&payload);
        while let Some(event) = events.next().map_err(|_| malformed())? {
            self.round.push_back(event.into_owned());
        }
        // Stable: of what happened at once, what was typed stays first.
        self.round.make_contiguous().sort_by_key(|event| event.at);
        Ok(())
    }
}
