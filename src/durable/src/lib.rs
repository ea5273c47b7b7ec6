//! Small files that are there completely or not at all, whatever happens while they are written.
//!
//! [`replace`] is the one commit point of a change: written beside, synced, renamed, the folder synced. Stores do it on a
//! [`Medium`], so that their tests can cut the power between any two steps (feature `simulation`).
//!
//! Invariants: an error of a sync is an error; only root reads what is written. Must not know what the files mean.

mod document;
mod medium;
mod replace;
#[cfg(feature = "simulation")]
pub mod simulation;

pub use document::{Document, LoadError, SaveError, load, save};
pub use medium::{Folder, Medium};
pub use replace::{ReplaceError, replace};
