//! What was found out about a trail.

use std::fmt;

use crate::head::Head;
use crate::sign::PublicKey;
use crate::verdict::Ending;

/// Whether a trail is whole, and if not, how far it is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// From its head to its last seal.
    Complete,
    /// It ends before its end, and everything before is good: the session is being recorded, or the power failed.
    Cut {
        /// Bytes of whole records.
        whole: u64,
    },
    /// Bytes were changed, or others put there.
    Damaged {
        /// Where the head or the record begins that is not what was written.
        at: u64,
        /// What about it.
        what: &'static str,
    },
    /// A record is missing, is there twice, or is not in its place.
    ChainBroken {
        /// Where it begins.
        at: u64,
        /// The number that should be there.
        expected: u64,
        /// The number that is there.
        found: u64,
    },
    /// A signature is not that of the key.
    SignatureBad {
        /// Where the head or the seal begins.
        at: u64,
    },
    /// It is signed, but by another key than the one that was expected.
    OtherSigner,
    /// It is no audit trail of this firmware.
    NotATrail,
    /// It was written by a later version.
    Newer {
        /// Version of the format.
        version: u8,
    },
}

impl State {
    /// Whether nothing is wrong with what is there.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Complete | Self::Cut { .. })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Cut { whole } => write!(f, "cut after byte {whole}"),
            Self::Damaged { at, what } => write!(f, "damaged at byte {at}: {what}"),
            Self::ChainBroken { at, expected, found } => {
                write!(
                    f,
                    "chain broken at byte {at}: record {found} where {expected} should be"
                )
            }
            Self::SignatureBad { at } => write!(f, "signature bad at byte {at}"),
            Self::OtherSigner => f.write_str("signed by another key than expected"),
            Self::NotATrail => f.write_str("no audit trail"),
            Self::Newer { version } => {
                write!(
                    f,
                    "written in version {version} of the format: read it with newer firmware"
                )
            }
        }
    }
}

/// What a reader knows of a trail so far, and at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether it is whole.
    pub state: State,
    /// Its head, once that was verified.
    pub head: Option<Head>,
    /// Who signed it. Whether that is the right one only those know who have the key from elsewhere.
    pub signer: Option<PublicKey>,
    /// Names of those it is encrypted for; empty when it is not encrypted.
    pub recipients: Vec<String>,
    /// Whole chunks.
    pub chunks: u64,
    /// Microseconds from the start of the session to the last event of them.
    pub last_at: Option<u64>,
    /// Chunks that are before the last seal.
    pub sealed_chunks: u64,
    /// When that was made, milliseconds since 1970.
    pub sealed_until: Option<i64>,
    /// Timestamps of authorities; who made them is not judged.
    pub timestamps: u64,
    /// How the session ended.
    pub ending: Option<Ending>,
}
