//! Events as bytes.
//!
//! `kind: u8, channel: varint, later: varint, length: u32, body`. `later` is the microseconds since the event before it in the same
//! record, for the first since the session began. The length has a fixed width, so that output which belongs together grows in its place;
//! it lets a reader pass over kinds that it does not know.

use std::borrow::Cow;

use crate::codec::{Bytes, put_bytes, put_varint};
use crate::event::{Event, Exit, Kind};

/// Longest body of an event, bytes.
pub const MAX_BODY: usize = 512 * 1024;

pub(crate) const OUTPUT: u8 = 7;
pub(crate) const INPUT: u8 = 8;

/// Number of the kind.
pub(crate) const fn number(kind: &Kind<'_>) -> u8 {
    match kind {
        Kind::ChannelOpened { .. } => 1,
        Kind::ChannelClosed => 2,
        Kind::Terminal { .. } => 3,
        Kind::Resize { .. } => 4,
        Kind::Exec { .. } => 5,
        Kind::Subsystem { .. } => 6,
        Kind::Output { .. } => OUTPUT,
        Kind::Input { .. } => INPUT,
        Kind::File { .. } => 9,
        Kind::Forward { .. } => 10,
        Kind::Exit(_) => 11,
        Kind::Found { .. } => 12,
        Kind::Note { .. } => 13,
    }
}

/// Writes everything before the length.
pub(crate) fn put_start(out: &mut Vec<u8>, number: u8, channel: u32, later: u64) {
    out.push(number);
    put_varint(out, u64::from(channel));
    put_varint(out, later);
}

/// Writes the body.
pub(crate) fn put_body(out: &mut Vec<u8>, kind: &Kind<'_>) {
    match kind {
        Kind::ChannelOpened { kind, detail } => texts(out, &[kind, detail]),
        Kind::ChannelClosed => {}
        Kind::Terminal { term, columns, rows } => {
            texts(out, &[term]);
            numbers(out, &[*columns, *rows]);
        }
        Kind::Resize { columns, rows } => numbers(out, &[*columns, *rows]),
        Kind::Exec { command } => put_bytes(out, command),
        Kind::Subsystem { name } => texts(out, &[name]),
        Kind::Output { data, is_stderr } => {
            out.push(u8::from(*is_stderr));
            out.extend_from_slice(data);
        }
        Kind::Input { data } => out.extend_from_slice(data),
        Kind::File {
            operation,
            path,
            bytes,
            result,
        } => {
            texts(out, &[operation]);
            put_bytes(out, path);
            put_varint(out, *bytes);
            texts(out, &[result]);
        }
        Kind::Forward {
            address,
            port,
            origin,
        } => {
            texts(out, &[address]);
            put_varint(out, u64::from(*port));
            texts(out, &[origin]);
        }
        Kind::Exit(Exit::Status(status)) => {
            out.push(0);
            numbers(out, &[*status]);
        }
        Kind::Exit(Exit::Signal(signal)) => {
            out.push(1);
            texts(out, &[signal]);
        }
        Kind::Found { kind, text } => texts(out, &[kind, text]),
        Kind::Note { text } => texts(out, &[text]),
    }
}

fn texts(out: &mut Vec<u8>, texts: &[&str]) {
    for text in texts {
        put_bytes(out, text.as_bytes());
    }
}

fn numbers(out: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        put_varint(out, u64::from(*number));
    }
}

/// Reads the events of a record, one after the other.
#[derive(Debug)]
pub(crate) struct Events<'a> {
    bytes: Bytes<'a>,
    at: u64,
}

impl<'a> Events<'a> {
    pub(crate) const fn new(payload: &'a [u8]) -> Self {
        Self {
            bytes: Bytes(payload),
            at: 0,
        }
    }

    /// The next event of a known kind; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Event<'a>>, Malformed> {
        while !self.bytes.is_empty() {
            let (number, channel, body) = self.frame().ok_or(Malformed)?;
            if let Some(read) = KINDS.get(usize::from(number)) {
                let kind = read(&mut Bytes(body)).ok_or(Malformed)?;
                let at = self.at;
                return Ok(Some(Event { at, channel, kind }));
            }
        }
        Ok(None)
    }

    fn frame(&mut self) -> Option<(u8, u32, &'a [u8])> {
        let number = self.bytes.u8()?;
        let channel = self.bytes.small()?;
        self.at = self.at.checked_add(self.bytes.varint()?)?;
        let length = usize::try_from(self.bytes.u32()?).ok()?;
        Some((number, channel, self.bytes.take(length)?))
    }
}

/// A record holds no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

type Read = for<'a> fn(&mut Bytes<'a>) -> Option<Kind<'a>>;

/// By number. What a later minor version adds behind the fields of a kind is passed over.
const KINDS: [Read; 14] = [
    |_| None,
    |b| {
        Some(Kind::ChannelOpened {
            kind: text(b)?,
            detail: text(b)?,
        })
    },
    |_| Some(Kind::ChannelClosed),
    |b| {
        Some(Kind::Terminal {
            term: text(b)?,
            columns: b.small()?,
            rows: b.small()?,
        })
    },
    |b| {
        Some(Kind::Resize {
            columns: b.small()?,
            rows: b.small()?,
        })
    },
    |b| {
        Some(Kind::Exec {
            command: b.bytes()?.into(),
        })
    },
    |b| Some(Kind::Subsystem { name: text(b)? }),
    |b| {
        let is_stderr = b.u8()? & 1 == 1;
        let data = b.rest().into();
        Some(Kind::Output { data, is_stderr })
    },
    |b| {
        Some(Kind::Input {
            data: b.rest().into(),
        })
    },
    |b| {
        Some(Kind::File {
            operation: text(b)?,
            path: b.bytes()?.into(),
            bytes: b.varint()?,
            result: text(b)?,
        })
    },
    |b| {
        Some(Kind::Forward {
            address: text(b)?,
            port: b.small()?.try_into().ok()?,
            origin: text(b)?,
        })
    },
    |b| match b.u8()? {
        0 => Some(Kind::Exit(Exit::Status(b.small()?))),
        _ => Some(Kind::Exit(Exit::Signal(text(b)?))),
    },
    |b| {
        Some(Kind::Found {
            kind: text(b)?,
            text: text(b)?,
        })
    },
    |b| Some(Kind::Note { text: text(b)? }),
];

fn text<'a>(bytes: &mut Bytes<'a>) -> Option<Cow<'a, str>> {
    Some(String::from_utf8_lossy(bytes.bytes()?))
}
