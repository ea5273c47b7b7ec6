//! Moments on their way out of the process that made them, which is not trusted: what decodes is within bounds, and the whole is cut
//! where it would be too much.
//!
//! ```text
//! moment: 1, at u64, channel u32, source u8, length u32, text      numbers little-endian
//! end:    2, content u8
//! ```

use thiserror::Error;

use crate::moment::{MAX_TEXT, Moment, Source};

/// Most moments of one session.
pub const MAX_MOMENTS: u64 = 2_000_000;
/// Most text of one session, bytes: a day of output at 3 KB a second.
pub const MAX_SESSION_TEXT: u64 = 256 * 1024 * 1024;
/// Latest time of a moment, milliseconds: ten years.
const LATEST: u64 = 10 * 366 * 24 * 3600 * 1000;

const MOMENT: u8 = 1;
const END: u8 = 2;
/// Bytes of a moment before its text.
const HEAD: usize = 1 + 8 + 4 + 1 + 4;

/// What is to be known when all moments came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What there was to read.
    pub content: Content,
}

/// What there was to read in a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// All of it.
    Whole,
    /// The trail is cut or changed: what stands before that place.
    Part,
    /// It had more than is kept of one session.
    TooMuch,
    /// It is encrypted for others.
    Encrypted,
    /// It is no trail of a form that is known.
    None,
}

/// What comes out of the decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A moment.
    Moment(Moment),
    /// The end; nothing comes after it.
    End(Summary),
}

/// What came is not what an indexer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// A part of an unknown kind, or of bytes that none has.
    #[error("the indexer told something that is no moment")]
    Malformed,
    /// More than [`MAX_MOMENTS`] or [`MAX_SESSION_TEXT`].
    #[error("the indexer told more than a session may have")]
    TooMuch,
    /// It ended in the middle.
    #[error("the indexer ended before it had told all")]
    Cut,
    /// Something came after the end.
    #[error("the indexer told something after its end")]
    AfterEnd,
}

/// Appends a moment.
pub fn encode(moment: &Moment, out: &mut Vec<u8>) {
    let text = &moment.text[..moment.text.floor_char_boundary(MAX_TEXT)];
    out.push(MOMENT);
    out.extend_from_slice(&moment.at.min(LATEST).to_le_bytes());
    out.extend_from_slice(&moment.channel.to_le_bytes());
    out.push(moment.source.number());
    // It fits: MAX_TEXT does.
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Appends the end.
pub fn encode_end(summary: Summary, out: &mut Vec<u8>) {
    out.push(END);
    out.push(summary.content.number());
}

impl Content {
    const ALL: [Self; 5] = [
        Self::Whole,
        Self::Part,
        Self::TooMuch,
        Self::Encrypted,
        Self::None,
    ];

    const fn number(self) -> u8 {
        match self {
            Self::Whole => 0,
            Self::Part => 1,
            Self::TooMuch => 2,
            Self::Encrypted => 3,
            Self::None => 4,
        }
    }
}

/// Reads moments as their bytes come. At most one moment, and what came with its last byte, is kept.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    used: usize,
    moments: u64,
    text: u64,
    ended: bool,
}

impl Decoder {
    /// Takes bytes. Read all parts ([`Decoder::next`]) before more are given, else they gather.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.used);
        self.used = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next part; none when more bytes are needed.
    ///
    /// # Errors
    /// It is none that an indexer tells. Nothing more is to be believed then.
    #[expect(clippy::should_implement_trait, reason = "more may come after none")]
    pub fn next(&mut self) -> Result<Option<Part>, WireError> {
        let bytes = self.buffer.get(self.used..).unwrap_or_default();
        let Some(first) = bytes.first() else {
            return Ok(None);
        };
        if self.ended {
            return Err(WireError::AfterEnd);
        }
        match *first {
            MOMENT => self.moment(),
            END => {
                let Some(number) = bytes.get(1).copied() else {
                    return Ok(None);
                };
                let content = Content::ALL
                    .into_iter()
                    .find(|content| content.number() == number)
                    .ok_or(WireError::Malformed)?;
                self.used += 2;
                self.ended = true;
                Ok(Some(Part::End(Summary { content })))
            }
            _ => Err(WireError::Malformed),
        }
    }

    /// Called when no more bytes come.
    ///
    /// # Errors
    /// It was not the end.
    pub fn finish(&self) -> Result<(), WireError> {
        if self.ended && self.used == self.buffer.len() {
            Ok(())
        } else {
            Err(WireError::Cut)
        }
    }

    fn moment(&mut self) -> Result<Option<Part>, WireError> {
        let bytes = self.buffer.get(self.used..).unwrap_or_default();
        let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let at = u64::from_le_bytes(array(&head[1..9]));
        let length = u32::from_le_bytes(array(&head[14..18])) as usize;
        let source = Source::of(head[13]).ok_or(WireError::Malformed)?;
        if at > LATEST || length == 0 || length > MAX_TEXT {
            return Err(WireError::Malformed);
        }
        let Some(text) = rest.get(..length) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(text).map_err(|_| WireError::Malformed)?;
        self.moments += 1;
        self.text += length as u64;
        if self.moments > MAX_MOMENTS || self.text > MAX_SESSION_TEXT {
            return Err(WireError::TooMuch);
        }
        let moment = Moment {
            at,
            channel: u32::from_le_bytes(array(&head[9..13])),
            source,
            text: text.to_owned(),
        };
        self.used += HEAD + length;
        Ok(Some(Part::Moment(moment)))
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment {
            at: 1234,
            channel: 7,
            source: Source::Command,
            text: text.into(),
        }
    }

    fn all(decoder: &mut Decoder) -> Result<Vec<Part>, WireError> {
        std::iter::from_fn(|| decoder.next().transpose()).collect()
    }

    #[test]
    fn what_is_told_arrives_however_it_is_cut() {
        let mut bytes = Vec::new();
        encode(&moment("systemctl restart"), &mut bytes);
        encode(&moment(&"ä".repeat(MAX_TEXT)), &mut bytes);
        let summary = Summary {
            content: Content::Part,
        };
        encode_end(summary, &mut bytes);
        let expected = [
            Part::Moment(moment("systemctl restart")),
            Part::Moment(moment(&"ä".repeat(MAX_TEXT / 2))),
            Part::End(summary),
        ];
        for size in [1, 2, 19, 1000, bytes.len()] {
            let mut decoder = Decoder::default();
            let mut parts = Vec::new();
            for piece in bytes.chunks(size) {
                decoder.push(piece);
                parts.extend(all(&mut decoder).unwrap());
            }
            assert_eq!(parts, expected, "{size}");
            assert_eq!(decoder.finish(), Ok(()));
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let mut good = Vec::new();
        encode(&moment("abc"), &mut good);
        for (place, byte) in [(0, 9), (8, 0xff), (13, 0), (14, 0), (15, 0xff), (18, 0xff)] {
            let mut bytes = good.clone();
            bytes[place] = byte;
            let mut decoder = Decoder::default();
            decoder.push(&bytes);
            assert_eq!(all(&mut decoder), Err(WireError::Malformed), "{place}");
        }
        let mut decoder = Decoder::default();
        decoder.push(&good);
        assert_eq!(all(&mut decoder).unwrap().len(), 1);
        assert_eq!(decoder.finish(), Err(WireError::Cut));
        decoder.push(&[END, 0, 1]);
        assert!(decoder.next().unwrap().is_some());
        assert_eq!(decoder.next(), Err(WireError::AfterEnd));
        let mut decoder = Decoder::default();
        decoder.push(&[END, 5]);
        assert_eq!(decoder.next(), Err(WireError::Malformed));
    }

    #[test]
    fn no_session_has_more_than_its_bound() {
        let mut decoder = Decoder {
            moments: MAX_MOMENTS,
            ..Decoder::default()
        };
        let mut bytes = Vec::new();
        encode(&moment("a"), &mut bytes);
        decoder.push(&bytes);
        assert_eq!(decoder.next(), Err(WireError::TooMuch));
    }
}
