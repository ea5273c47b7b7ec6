//! The index of what sessions show: moments in, sessions and their moments out.
//!
//! [`Index`] keeps the moments of all sessions in files of which every block is encrypted, on a [`Disk`]. What is added is found after
//! [`Index::commit`]; a commit is on the disk when it returns.
//!
//! Promises:
//! - After any stop the index opens, at worst without what came after its last commit, and goes on.
//! - Nothing of a session is readable in its files without the key; a changed, moved or cut file is an error, never another answer.
//! - Searches end at their time limit with what they found, and say so.
//!
//! It is no evidence: audit trails are, and the index is rebuilt from them. Must not know sessions but by number and identifier, nor
//! where moments come from.

mod cipher;
mod directory;
mod disk;
mod error;
mod index;
mod reading;
mod schema;
mod search;
mod sets;
mod writing;

pub use disk::{Disk, Folder, Sink, Source};
pub use error::IndexError;
pub use index::{Index, Progress, Size};
pub use search::{Hit, Matches};
