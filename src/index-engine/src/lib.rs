//! What of a session is found by words.
//!
//! [`Extractor`] makes [`Moment`]s of the events of an audit trail: what stood on a terminal, commands, titles, files, each with
//! its time, so that whoever finds it can be taken there. [`encode`] and [`Decoder`] are the way of moments out of the process that
//! emulates terminals, which is not trusted. [`Query`] is what people ask, [`words`] what counts as a word on both sides, [`snippet`]
//! the words in their surroundings.
//!
//! Pure: no clock, no file, no thread. Invariants: what was typed (*upstream*) comes into no moment but as the terminal showed it;
//! memory is bounded whatever a server sends; what decodes is within its bounds. Must not know where moments are kept.

mod binary;
mod bulk;
mod extract;
mod lines;
mod moment;
mod query;
mod screen;
mod snippet;
mod wire;
mod words;

pub use extract::Extractor;
pub use moment::{MAX_TEXT, Moment, Source, VERSION};
pub use query::{Leaf, MAX_QUERY, Query, QueryError};
pub use snippet::{Snippet, snippet};
pub use wire::{
    Content, Decoder, MAX_MOMENTS, MAX_SESSION_TEXT, Part, Summary, WireError, encode, encode_end,
};
pub use words::{MAX_WORD, Word, words};
