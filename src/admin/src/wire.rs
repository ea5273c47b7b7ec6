//! What goes over the socket: one JSON value a line.
//!
//! The client writes a [`Question`]; the server answers with any number of updates and then `done` or `failed`. A
//! connection carries one question after the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::backend::Update;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::request::Request;
use crate::response::Response;

/// Longest question, bytes: an exported configuration ([`crate::CONFIGURATION_BYTES`]), each byte of which may be written as two. The
/// rest is small.
pub(crate) const QUESTION_BYTES: usize = 2 * crate::CONFIGURATION_BYTES + 64 * 1024;
/// Longest answer, bytes: an exported configuration. Thousands of log lines are less.
pub(crate) const ANSWER_BYTES: usize = QUESTION_BYTES;
/// Largest piece of data in one answer, bytes.
pub(crate) const PIECE_BYTES: usize = 32 * 1024;
/// A sign of life is sent after this silence.
pub(crate) const ALIVE_EVERY: Duration = Duration::from_secs(5);
/// Silence after which a client gives the server up.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// What a client asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// Why; may be empty.
    #[serde(default)]
    pub(crate) message: String,
    /// What.
    pub(crate) request: Request,
}

/// What the server says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Answer {
    /// Still at it.
    Alive,
    /// How far.
    Progress(Progress),
    /// A piece of data, base64.
    Data(String),
    /// The end.
    Done(Box<Response>),
    /// The end.
    Failed(Failure),
}

impl Answer {
    /// The answers that carry `update`.
    pub(crate) fn from_update(update: Update) -> Vec<Self> {
        match update {
            Update::Progress(progress) => vec![Self::Progress(progress)],
            Update::Data(bytes) => bytes
                .chunks(PIECE_BYTES)
                .map(|piece| Self::Data(STANDARD.encode(piece)))
                .collect(),
        }
    }

    pub(crate) fn from_reply(reply: Result<Response, Failure>) -> Self {
        match reply {
            Ok(response) => Self::Done(Box::new(response)),
            Err(failure) => Self::Failed(failure),
        }
    }
}

/// The data of a piece, or nothing when it is none.
pub(crate) fn piece(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// One line with its end.
pub(crate) fn line(value: &impl Serialize) -> Option<Vec<u8>> {
    let mut bytes = serde_json::to_vec(value).ok()?;
    bytes.push(b'\n');
    Some(bytes)
}
