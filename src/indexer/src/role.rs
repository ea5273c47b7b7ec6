//! The process that reads a trail: [`Feed`](crate::Feed) in, moments out (`sps_index_engine::encode`). It is trusted with nothing.

use std::io::{self, Read, Write};

use sps_index_engine::{
    Content, Extractor, MAX_MOMENTS, MAX_SESSION_TEXT, Moment, Summary, encode, encode_end,
};
use sps_trail::{KeyError, Playback, PrivateKey, State};

use crate::feed;

/// Bytes of the trail that are read at a time, and about as many of the answer.
const PIECE: usize = 64 * 1024;

/// Reads one trail and answers its moments.
///
/// # Errors
/// What stands at either end does not read or write.
pub fn answer(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    let keys = feed::keys(input)?;
    // A key that cannot be used opens nothing: what it was to open says so.
    let keys = keys.iter().filter_map(|key| PrivateKey::from_pem(key).ok());
    let mut reading = Reading {
        playback: Playback::new(None, keys.collect()),
        extractor: Extractor::default(),
        told: Told::default(),
    };
    let content = reading.read(input, output)?;
    encode_end(Summary { content }, &mut reading.told.bytes);
    output.write_all(&reading.told.bytes)?;
    output.flush()
}

struct Reading {
    playback: Playback,
    extractor: Extractor,
    told: Told,
}

/// What is told, and how much it is.
#[derive(Default)]
struct Told {
    bytes: Vec<u8>,
    moments: u64,
    text: u64,
    too_much: bool,
}

impl Told {
    fn tell(&mut self, moment: &Moment) {
        let text = moment.text.len() as u64;
        if self.moments == MAX_MOMENTS || self.text + text > MAX_SESSION_TEXT {
            self.too_much = true;
        }
        if self.too_much || text == 0 {
            return;
        }
        self.moments += 1;
        self.text += text;
        encode(moment, &mut self.bytes);
    }
}

impl Reading {
    fn read(&mut self, input: &mut impl Read, output: &mut impl Write) -> io::Result<Content> {
        let mut piece = vec![0; PIECE];
        loop {
            let count = input.read(&mut piece)?;
            if count == 0 {
                break;
            }
            self.playback.push(piece.get(..count).unwrap_or_default());
            loop {
                match self.playback.next() {
                    Ok(Some(event)) => self
                        .extractor
                        .event(&event, &mut |moment| self.told.tell(&moment)),
                    Ok(None) => break,
                    Err(error) => return Ok(self.closed(&error)),
                }
                if self.told.bytes.len() >= PIECE {
                    output.write_all(&self.told.bytes)?;
                    self.told.bytes.clear();
                }
            }
            if self.told.too_much {
                return Ok(Content::TooMuch);
            }
        }
        for event in self.playback.drain() {
            self.extractor
                .event(&event, &mut |moment| self.told.tell(&moment));
        }
        self.extractor.finish(&mut |moment| self.told.tell(&moment));
        Ok(match self.playback.report().state {
            _ if self.told.too_much => Content::TooMuch,
            State::Complete => Content::Whole,
            State::NotATrail | State::Newer { .. } => Content::None,
            _ => Content::Part,
        })
    }

    /// A key does not fit, or what it opens is damaged: what came before that stands.
    fn closed(&mut self, error: &KeyError) -> Content {
        self.extractor.finish(&mut |moment| self.told.tell(&moment));
        match error {
            KeyError::NotForThisKey { .. } | KeyError::Locked { .. } => Content::Encrypted,
            _ => Content::Part,
        }
    }
}
