//! Audit trails: what was shown and typed in a session, as evidence.
//!
//! A trail is a head, then records, each chained to all before it by SHA-256; from time to time a seal, signed with ed25519, says how
//! far the trail was written when. What is recorded is compressed and encrypted for those whose certificates the audit policy names:
//! what was shown (*downstream*) with one key, what was typed (*upstream*) with another. Every byte is told in `FORMAT.md`, beside this
//! code.
//!
//! [`Writer`] makes the bytes, [`Reader`] verifies them without any key, [`Playback`] opens them.
//!
//! Pure: no clock, no file, no socket, and randomness is handed in; only the padding of RSA (RFC 8017, 7.1.1) is drawn by the
//! library of cryptography itself. Invariants: a trail that is cut anywhere is good up to its last whole record; a byte that was changed,
//! moved, taken out or put in is found; reading is bounded and never panics; keys and typed text are never in an error.

mod codec;
mod error;
mod event;
mod event_codec;
mod export;
mod head;
mod head_codec;
mod hpke;
mod key_pair;
mod keys;
mod pending;
mod playback;
mod press;
mod reader;
mod recipient;
mod record;
mod report;
mod sign;
mod verdict;
mod writer;

pub use error::{KeyError, TrailError};
pub use event::{Event, Exit, Kind};
pub use event_codec::MAX_BODY as MAX_EVENT;
pub use export::{Asciicast, EventLines, LivePage, Page, TerminalText};
pub use head::{Fact, Head, MAX_FACTS, MAX_TEXT};
pub use key_pair::KeyPair;
pub use keys::{Opener, PrivateKey, Seed};
pub use playback::Playback;
pub use reader::{Chunk, Item, Reader};
pub use recipient::{Recipient, Recipients};
pub use record::{MAX_RECORD, Stream};
pub use report::{Report, State};
pub use sign::{PublicKey, SigningKey};
pub use sps_session_record::Word;
pub use verdict::Ending;
pub use writer::{Options, Writer};
