//! The database of metadata as it was before there was a session database.
//!
//! ```text
//! layout 1        metadb.db: sessions, channels and events
//! layouts 2 to 4  metadb-sessions.db, metadb-channels.db, metadb-events.db
//! layout 5        either, as the source from which the session database is filled
//! ```
//!
//! Invariants: what an earlier firmware wrote is read as it is; a row that is damaged is told by its number and does not hide the
//! others; a session is written whole or not at all, in all files.

mod database;
mod error;
mod read;
mod split;
mod write;

pub use database::{Form, Metadb, SINGLE, SPLIT};
pub use error::MetadbError;
pub use read::{Position, Row};
pub use split::split;
