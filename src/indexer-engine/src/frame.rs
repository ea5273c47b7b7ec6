//! Frames: `kind: u8, length: u32, body`, numbers little-endian. `PROTOCOL.md` tells each.
//!
//! A length is judged before its body is waited for: no more than the longest body of its kind is ever kept.

use thiserror::Error;

use crate::bytes::{Source, put_text};

/// Number of this form of the protocol. Another one is refused by name.
pub const FORMAT: u16 = 1;
/// Longest piece of a trail in one frame, bytes.
pub const MAX_PIECE: usize = 256 * 1024;
/// Longest piece of what was told, bytes.
pub const MAX_TOLD: usize = 64 * 1024;
/// Most keys a host names.
pub const MOST_KEYS: usize = 64;
/// Longest hello: its texts and keys.
pub const MAX_HELLO: usize = 4 * 1024;
/// Longest name of a host or product.
const MAX_NAME: usize = 255;
/// Longest text of a version.
const MAX_VERSION: usize = 43;
/// Longest reason.
const MAX_REASON: usize = 1024;
/// Longest identifier of a session.
const MAX_ID: usize = 255;
/// Bytes before a body.
const HEAD: usize = 5;

/// SHA-256 of a public key, as SubjectPublicKeyInfo: how trails name who reads them.
pub type Key = [u8; 32];

const HELLO: u8 = 1;
const ALIVE: u8 = 2;
const MORE: u8 = 3;
const TOLD: u8 = 4;
const DONE: u8 = 5;
const FAILED: u8 = 6;
const LEAVE: u8 = 7;
const WELCOME: u8 = 16;
const REFUSED: u8 = 17;
const SESSION: u8 = 18;
const PIECE: u8 = 19;
const REST: u8 = 20;

/// The first thing a worker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// [`FORMAT`] of the host.
    pub format: u16,
    /// What it is.
    pub product: String,
    /// Its version.
    pub version: String,
    /// Version of the moments it makes.
    pub extract: u32,
    /// What the host calls itself.
    pub host_name: String,
    /// Number of this worker, from 0.
    pub worker: u16,
    /// Workers of the host.
    pub workers: u16,
    /// Keys it has.
    pub keys: Vec<Key>,
}

/// What a host says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromHost {
    /// Who it is.
    Hello(Hello),
    /// The answer to [`FromAppliance::Rest`].
    Alive,
    /// The next piece of the trail, please.
    More,
    /// A piece of what the trail told, in the form of `sps_index_engine`.
    Told(Vec<u8>),
    /// All was told.
    Done,
    /// It could not be read.
    Failed {
        /// The trail has nothing to do with it.
        elsewhere: bool,
        /// Why.
        reason: String,
    },
    /// It takes nothing more.
    Leave,
}

/// What the appliance says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromAppliance {
    /// The host may index.
    Welcome {
        /// Version of the appliance.
        version: String,
    },
    /// It may not, or not any more; the connection ends.
    Refused {
        /// Why, and what to do.
        reason: String,
    },
    /// A session to be read.
    Session {
        /// Its identifier.
        id: String,
        /// Bytes of its trail.
        size: u64,
    },
    /// The piece that was asked for; empty: the trail is at its end.
    Piece(Vec<u8>),
    /// There is nothing to do; whoever hears it says that it is alive.
    Rest,
}

/// What came is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A kind nobody knows here.
    #[error("a frame of kind {0}, which is none of this protocol")]
    Kind(u8),
    /// Longer than any of its kind.
    #[error("a frame of kind {kind} with {length} bytes, which is too long")]
    TooLong {
        /// Its kind.
        kind: u8,
        /// Its length.
        length: u32,
    },
    /// Its body is none of its kind.
    #[error("a frame whose content is malformed")]
    Malformed,
}

/// Frames of one direction.
pub trait Frame: Sized {
    /// Longest body of a kind; none when this direction has no such kind.
    fn longest(kind: u8) -> Option<usize>;

    /// Reads a body.
    ///
    /// # Errors
    /// It is malformed.
    fn decode(kind: u8, body: &[u8]) -> Result<Self, FrameError>;

    /// Appends the body, and says its kind.
    fn encode(&self, out: &mut Vec<u8>) -> u8;

    /// The frame as bytes. Pieces that are too long are cut: give them in pieces.
    fn bytes(&self) -> Vec<u8> {
        let mut out = vec![0; HEAD];
        out[0] = self.encode(&mut out);
        // It fits: every body is bounded.
        let length = (out.len() - HEAD) as u32;
        out[1..HEAD].copy_from_slice(&length.to_le_bytes());
        out
    }
}

impl Frame for FromHost {
    fn longest(kind: u8) -> Option<usize> {
        Some(match kind {
            HELLO => MAX_HELLO,
            ALIVE | MORE | DONE | LEAVE => 0,
            TOLD => MAX_TOLD,
            FAILED => 1 + 2 + MAX_REASON,
            _ => return None,
        })
    }

    fn decode(kind: u8, body: &[u8]) -> Result<Self, FrameError> {
        let mut source = Source(body);
        let frame = match kind {
            HELLO => Self::Hello(hello(&mut source)?),
            ALIVE => Self::Alive,
            MORE => Self::More,
            TOLD if body.is_empty() => return Err(FrameError::Malformed),
            TOLD => return Ok(Self::Told(body.to_vec())),
            DONE => Self::Done,
            FAILED => Self::Failed {
                elsewhere: match source.byte()? {
                    0 => false,
                    1 => true,
                    _ => return Err(FrameError::Malformed),
                },
                reason: source.text(MAX_REASON)?,
            },
            LEAVE => Self::Leave,
            kind => return Err(FrameError::Kind(kind)),
        };
        source.end().map(|()| frame)
    }

    fn encode(&self, out: &mut Vec<u8>) -> u8 {
        match self {
            Self::Hello(hello) => {
                put_hello(hello, out);
                HELLO
            }
            Self::Alive => ALIVE,
            Self::More => MORE,
            Self::Told(bytes) => {
                out.extend_from_slice(&bytes[..bytes.len().min(MAX_TOLD)]);
                TOLD
            }
            Self::Done => DONE,
            Self::Failed { elsewhere, reason } => {
                out.push(u8::from(*elsewhere));
                put_text(reason, MAX_REASON, out);
                FAILED
            }
            Self::Leave => LEAVE,
        }
    }
}

impl Frame for FromAppliance {
    fn longest(kind: u8) -> Option<usize> {
        Some(match kind {
            WELCOME => 2 + MAX_VERSION,
            REFUSED => 2 + MAX_REASON,
            SESSION => 8 + 2 + MAX_ID,
            PIECE => MAX_PIECE,
            REST => 0,
            _ => return None,
        })
    }

    fn decode(kind: u8, body: &[u8]) -> Result<Self, FrameError> {
        let mut source = Source(body);
        let frame = match kind {
            WELCOME => Self::Welcome {
                version: source.text(MAX_VERSION)?,
            },
            REFUSED => Self::Refused {
                reason: source.text(MAX_REASON)?,
            },
            SESSION => Self::Session {
                size: source.u64()?,
                id: source.text(MAX_ID)?,
            },
            PIECE => return Ok(Self::Piece(body.to_vec())),
            REST => Self::Rest,
            kind => return Err(FrameError::Kind(kind)),
        };
        source.end().map(|()| frame)
    }

    fn encode(&self, out: &mut Vec<u8>) -> u8 {
        match self {
            Self::Welcome { version } => {
                put_text(version, MAX_VERSION, out);
                WELCOME
            }
            Self::Refused { reason } => {
                put_text(reason, MAX_REASON, out);
                REFUSED
            }
            Self::Session { id, size } => {
                out.extend_from_slice(&size.to_le_bytes());
                put_text(id, MAX_ID, out);
                SESSION
            }
            Self::Piece(bytes) => {
                out.extend_from_slice(&bytes[..bytes.len().min(MAX_PIECE)]);
                PIECE
            }
            Self::Rest => REST,
        }
    }
}

fn hello(source: &mut Source<'_>) -> Result<Hello, FrameError> {
    let format = source.u16()?;
    let (product, version) = (source.text(MAX_NAME)?, source.text(MAX_VERSION)?);
    let extract = source.u32()?;
    let host_name = source.text(MAX_NAME)?;
    let (worker, workers) = (source.u16()?, source.u16()?);
    let count = usize::from(source.byte()?);
    if count > MOST_KEYS {
        return Err(FrameError::Malformed);
    }
    let keys: Result<_, _> = (0..count).map(|_| source.array()).collect();
    Ok(Hello {
        format,
        product,
        version,
        extract,
        host_name,
        worker,
        workers,
        keys: keys?,
    })
}

fn put_hello(hello: &Hello, out: &mut Vec<u8>) {
    out.extend_from_slice(&hello.format.to_le_bytes());
    put_text(&hello.product, MAX_NAME, out);
    put_text(&hello.version, MAX_VERSION, out);
    out.extend_from_slice(&hello.extract.to_le_bytes());
    put_text(&hello.host_name, MAX_NAME, out);
    out.extend_from_slice(&hello.worker.to_le_bytes());
    out.extend_from_slice(&hello.workers.to_le_bytes());
    let keys = hello.keys.get(..MOST_KEYS).unwrap_or(&hello.keys);
    out.push(keys.len() as u8);
    keys.iter().for_each(|key| out.extend_from_slice(key));
}

/// Makes frames of bytes as they come. At most one frame, and what came with its last byte, is kept.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    used: usize,
}

impl Frames {
    /// Takes bytes. Read all frames ([`Frames::next`]) before more are given, else they gather.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.used);
        self.used = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame; none when more bytes are needed.
    ///
    /// # Errors
    /// It is none. Nothing more is to be believed then.
    #[expect(clippy::should_implement_trait, reason = "more may come after none")]
    pub fn next<F: Frame>(&mut self) -> Result<Option<F>, FrameError> {
        let bytes = self.buffer.get(self.used..).unwrap_or_default();
        let Some(([kind, length @ ..], rest)) = bytes.split_first_chunk::<HEAD>() else {
            return match bytes.first() {
                Some(kind) if F::longest(*kind).is_none() => Err(FrameError::Kind(*kind)),
                _ => Ok(None),
            };
        };
        let (kind, length) = (*kind, u32::from_le_bytes(*length));
        let longest = F::longest(kind).ok_or(FrameError::Kind(kind))?;
        let size = length as usize;
        if size > longest {
            return Err(FrameError::TooLong { kind, length });
        }
        let Some(body) = rest.get(..size) else {
            return Ok(None);
        };
        let frame = F::decode(kind, body)?;
        self.used += HEAD + size;
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests;
