//! One recorded session, as every version of the firmware tells it to every other.
//!
//! The record goes through the session database, beside trails that are carried back to an earlier firmware, and into
//! archives. Versions differ and the document does not: it is frozen. A field is never removed and never changes its meaning;
//! one that a reader does not know is passed over; kinds of things (protocols, verdicts, channels, events) are [`Word`]s, so that
//! a reader keeps what it has no name for.
//!
//! Pure. Invariants: a [`SessionRecord`] that was read is within its bounds; reading never panics.

mod bounds;
mod record;
mod word;

pub use bounds::{MAX_CHANNELS, MAX_EVENTS, MAX_ID, MAX_NAME, MAX_SIZE, MAX_TEXT, RecordError};
pub use record::{Channel, Endpoint, Event, FORMAT, Indexing, SessionRecord, TrailFile};
pub use word::{Word, WordError};
