//! Timestamps of authorities (RFC 3161): an authority signs that a digest was shown to it at a time, so that nobody needs to believe
//! the appliance's clock.
//!
//! [`Request`] makes what is sent, [`Request::judge`] judges what comes back, [`judge`] a token that was kept. Only SHA-256 is asked for;
//! whose word counts is an [`Authority`]: certificates that the one which signed must lead to. Why the formats are read here and not by a
//! library for them: `DECISION-formats.md`.
//!
//! Pure: no clock, no file, no socket, and randomness is handed in. Invariants: a token counts only when everything RFC 3161 demands of it
//! was looked at; reading is bounded by its input, copies none of it twice and never panics.

mod answer;
mod attributes;
mod authority;
mod error;
mod fields;
mod request;
mod signature;
mod signed;
mod stamped;
mod token;

pub use answer::MAX_ANSWER;
pub use authority::{Authority, MAX_CERTIFICATE_BYTES, MAX_CERTIFICATES};
pub use error::{AnswerError, AuthorityError, TokenError};
pub use request::{NONCE, PolicyId, Request};
pub use stamped::Stamp;
pub use token::judge;
