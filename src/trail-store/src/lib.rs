//! Audit trails into files, as sessions go on.
//!
//! One thread writes for all sessions ([`TrailStore`]). A session gives its events to its [`Trail`], which encrypts them where the session
//! runs when they are many, and leaves them to the thread when they are few. What was given is on the disk within a second. A session that
//! is faster than the disk waits; nothing is dropped.
//!
//! Invariants: a file is only ever appended to, and every byte that was written belongs to a whole record, but for the last of a write
//! that failed; an error of writing or syncing is told to the session whose file it is, and its trail takes no more; memory for what
//! waits is bounded. Must not know what is recorded, for whom, or why; removes no file.

#[cfg(feature = "cli")]
pub mod cli;
mod error;
mod files;
mod notice;
mod session;
mod store;
mod tally;
mod thread;

pub use error::{RecordError, StoreError};
pub use session::{Backpressure, Finished, Trail};
pub use store::{Pace, Room, TrailStore};
pub use tally::Figures;
