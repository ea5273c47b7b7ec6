//! Channels and events of a session as bytes: a row of its own beside the session's, read when somebody looks at it.
//!
//! A pack is a sequence of entries, and two packs one after the other are a pack: what happens in a session that goes on is appended
//! and put together when it ends. An entry is a letter and its fields; numbers are variable-length (LEB128, signed ones in zigzag),
//! texts have their length before them. Reading never panics and never takes more memory than the pack has bytes.

use sps_session_record::{Channel, Event, Word};
use thiserror::Error;

/// Why bytes are no pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PackError {
    /// It ends inside an entry.
    #[error("an entry is cut short")]
    Short,
    /// A letter that is none.
    #[error("an entry has the unknown kind {0}")]
    Kind(u8),
    /// A number is longer than 64 bits.
    #[error("a number is too long")]
    Number,
    /// A text is not UTF-8.
    #[error("a text is no UTF-8")]
    Text,
    /// A kind of channel or event is no word.
    #[error("a kind is no word")]
    Word,
    /// A channel is closed that was not opened.
    #[error("channel {0} is closed and was never opened")]
    Channel(u64),
}

const OPENED: u8 = b'o';
const CLOSED: u8 = b'c';
const EVENT: u8 = b'e';

/// One entry, in the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// A channel was opened.
    Opened {
        kind: &'a str,
        start: i64,
        verdict: &'a str,
    },
    /// The channel of this number, counted from 0, was closed.
    Closed { channel: u64, end: i64 },
    /// Something happened.
    Event { at: i64, kind: &'a str, text: &'a str },
}

/// Appends a channel that was opened.
pub(crate) fn opened(out: &mut Vec<u8>, channel: &Channel) {
    out.push(OPENED);
    text(out, channel.kind.as_str());
    signed(out, channel.start);
    text(out, channel.verdict.as_str());
}

/// Appends that a channel was closed.
pub(crate) fn closed(out: &mut Vec<u8>, channel: u64, end: i64) {
    out.push(CLOSED);
    number(out, channel);
    signed(out, end);
}

/// Appends an event.
pub(crate) fn event(out: &mut Vec<u8>, event: &Event) {
    out.push(EVENT);
    signed(out, event.at);
    text(out, event.kind.as_str());
    text(out, &event.text);
}

/// The pack of whole channels and events.
pub(crate) fn pack(channels: &[Channel], events: &[Event]) -> Vec<u8> {
    let mut out = Vec::new();
    for (channel, place) in channels.iter().zip(0..) {
        opened(&mut out, channel);
        if let Some(end) = channel.end {
            closed(&mut out, place, end);
        }
    }
    for one in events {
        event(&mut out, one);
    }
    out
}

/// Channels and events of a pack.
pub(crate) fn unpack(bytes: &[u8]) -> Result<(Vec<Channel>, Vec<Event>), PackError> {
    let (mut channels, mut events) = (Vec::<Channel>::new(), Vec::new());
    for entry in Entries(bytes) {
        match entry? {
            Entry::Opened { kind, start, verdict } => channels.push(Channel {
                kind: word(kind)?,
                start,
                end: None,
                verdict: word(verdict)?,
            }),
            Entry::Closed { channel, end } => {
                let place = usize::try_from(channel).ok();
                let opened = place.and_then(|place| channels.get_mut(place));
                opened.ok_or(PackError::Channel(channel))?.end = Some(end);
            }
            Entry::Event { at, kind, text } => events.push(Event {
                at,
                kind: word(kind)?,
                text: text.to_owned(),
            }),
        }
    }
    Ok((channels, events))
}

/// Whether an event of the pack holds `needle`, which is in lower case; letters A to Z count as a to z.
pub(crate) fn holds(bytes: &[u8], needle: &str) -> Result<bool, PackError> {
    for entry in Entries(bytes) {
        if let Entry::Event { text, .. } = entry?
            && contains(text.as_bytes(), needle.as_bytes())
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether `text` holds `needle`, which is in lower case; letters A to Z count as a to z.
pub(crate) fn contains(text: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return true };
    let same = |part: &[u8]| part.eq_ignore_ascii_case(needle);
    text.windows(needle.len())
        .any(|part| part[0].to_ascii_lowercase() == *first && same(part))
}

/// The entries of a pack.
pub(crate) struct Entries<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, PackError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, rest) = self.0.split_first()?;
        self.0 = rest;
        let entry = self.entry(*kind);
        if entry.is_err() {
            self.0 = &[];
        }
        Some(entry)
    }
}

impl<'a> Entries<'a> {
    fn entry(&mut self, kind: u8) -> Result<Entry<'a>, PackError> {
        match kind {
            OPENED => Ok(Entry::Opened {
                kind: self.text()?,
                start: self.signed()?,
                verdict: self.text()?,
            }),
            CLOSED => Ok(Entry::Closed {
                channel: self.number()?,
                end: self.signed()?,
            }),
            EVENT => Ok(Entry::Event {
                at: self.signed()?,
                kind: self.text()?,
                text: self.text()?,
            }),
            other => Err(PackError::Kind(other)),
        }
    }

    fn number(&mut self) -> Result<u64, PackError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(PackError::Short)?;
            self.0 = rest;
            let part = u64::from(byte & 0x7f);
            value |= part
                .checked_shl(shift)
                .filter(|v| v >> shift == part)
                .ok_or(PackError::Number)?;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(PackError::Number)
    }

    fn signed(&mut self) -> Result<i64, PackError> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn text(&mut self) -> Result<&'a str, PackError> {
        let length = usize::try_from(self.number()?).map_err(|_| PackError::Short)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(PackError::Short)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| PackError::Text)
    }
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn signed(out: &mut Vec<u8>, value: i64) {
    number(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

fn text(out: &mut Vec<u8>, value: &str) {
    number(out, value.len() as u64);
    out.extend_from_slice(value.as_bytes());
}

fn word(text: &str) -> Result<Word, PackError> {
    Word::try_from(text).map_err(|_| PackError::Word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> (Vec<Channel>, Vec<Event>) {
        let channel = |start, end| Channel {
            kind: "session-shell".try_into().unwrap(),
            start,
            end,
            verdict: Word::ACCEPT,
        };
        let event = |at, text: &str| Event {
            at,
            kind: Word::COMMAND,
            text: text.into(),
        };
        (
            vec![
                channel(i64::MIN, None),
                channel(1_715_933_730_000, Some(i64::MAX)),
            ],
            vec![event(0, "ls -LA"), event(-1, ""), event(1, "grün\0")],
        )
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let (channels, events) = example();
        let bytes = pack(&channels, &events);
        assert_eq!(unpack(&bytes), Ok((channels, events)));
    }

    #[test]
    fn damaged_packs_are_errors() {
        let (channels, events) = example();
        let bytes = pack(&channels, &events);
        for length in 1..bytes.len() {
            let cut = unpack(&bytes[..length]);
            assert!(cut.is_err() || cut.unwrap().1.len() < events.len());
        }
        assert_eq!(unpack(b"x"), Err(PackError::Kind(b'x')));
        assert_eq!(unpack(b"c\x09\x00"), Err(PackError::Channel(9)));
        assert_eq!(
            unpack(&[b'c', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            Err(PackError::Number)
        );
        assert_eq!(unpack(b"e\x00\x02LS\x00"), Err(PackError::Word));
    }

    #[test]
    fn texts_are_found_whatever_the_case_of_their_letters() {
        let (channels, events) = example();
        let bytes = pack(&channels, &events);
        assert_eq!(holds(&bytes, "ls -la"), Ok(true));
        assert_eq!(holds(&bytes, "grün"), Ok(true));
        assert_eq!(holds(&bytes, "session-shell"), Ok(false));
    }
}
