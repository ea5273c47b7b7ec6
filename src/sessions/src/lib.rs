//! The session database: what was recorded, found again in milliseconds.
//!
//! One SQLite file holds the records of all sessions. Proxies tell a session while it goes on ([`Sessions::begin`],
//! [`Sessions::update`], [`Sessions::end`]); the importer brings those of audit trails, archives and earlier layouts
//! ([`Sessions::import`]); people search ([`Sessions::page`], [`Sessions::count`], [`Sessions::get`]); archiving notes where trails are
//! ([`Sessions::due`], [`Sessions::archive`]); retention takes out the oldest ([`Sessions::expire`], [`Sessions::delete_before`]).
//!
//! Promises:
//! - What was told more than a second ago survives a power cut; a batch of an import is there with its cursor or not at all.
//! - A session stands once, whoever tells it; what the appliance wrote itself is never overwritten by an import.
//! - Searches read while the writer writes, see one moment of the database, and end at their time limit with what they found.
//! - Memory does not grow with the number of sessions; every queue and every batch has a bound.
//! - A damaged, foreign or later file is an error that names it and says what to do; it is never a panic and never overwritten.
//!
//! It is no evidence: audit trails are, and the database is rebuilt from them. It must not know HTTP, policies or trails' contents.

mod archived;
mod archiving;
mod cursor;
mod error;
mod filter;
mod import;
mod key;
mod lists;
mod live;
mod mark;
mod moving;
mod pack;
mod plan;
mod queue;
mod readers;
mod records;
mod retention;
mod row;
mod salvage;
mod schema;
mod search;
mod seen;
mod sessions;
mod summary;
mod values;
mod write;
mod writer;

pub use archived::{Archived, Due, DueStep};
pub use cursor::Cursor;
pub use error::{Damage, SessionsError};
pub use filter::{Filter, FilterError, MAX_FILTER, MAX_NEEDLE, Network, NetworkError, Sort, SortBy};
pub use import::{Batch, Imported, MAX_BATCH, Refused};
pub use key::LAST;
pub use live::Change;
pub use pack::PackError;
pub use queue::QUEUE;
pub use records::Records;
pub use retention::{Deleted, Doomed, Expiry, MAX_STEP};
pub use salvage::{Salvage, Salvaged};
pub use schema::VERSION;
pub use search::{Count, MAX_COUNT, MAX_PAGE, Page, Search};
pub use sessions::{Health, Sessions};
pub use summary::Summary;
pub use writer::{CACHE, IMPORT_CACHE};
