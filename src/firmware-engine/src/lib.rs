//! Decides about firmware slots: what is staged where, what boots next, when a trial has passed or failed, what is
//! remembered of it.
//!
//! Pure: every function takes [`Facts`] and returns a [`Decision`], the effects to carry out in that order, or a
//! [`Refusal`] with the reason and the mend; no clock, randomness, file or thread. The effects of a decision may be
//! cut off after any of them: what is found at the next start is always one of the states below.
//!
//! Invariants, held against power cuts, panics and damage by the simulation in `tests`:
//! - the running slot, the slot that boots next and the good one behind it are never written or deleted;
//! - there is always a good slot that GRUB finds, or rescue mode;
//! - a firmware that never gets healthy is started at most [`sps_image::boot_control::MAX_TRIES`] times;
//! - a firmware that failed never starts again by itself;
//! - once a firmware is healthy, the running slot and the one after a reboot are the same.
//!
//! [`grub`] is GRUB's part, the same rules as `disk.cfg` in the image crate: for tests and simulations alone.

mod attempt;
mod boot;
mod commands;
mod deadlines;
mod decision;
mod facts;
pub mod grub;
mod recovery;
mod refusal;
mod rescue;
mod state;
mod tested;

pub use attempt::{Attempt, Cause, Failed, MAX_FAILED, Rollback};
pub use boot::{BootInput, BootOutcome, advanced, boot_started, healthy};
pub use commands::{Candidate, activate, add, commit, delete, forget, rollback};
pub use deadlines::{
    CommitDue, DEADLINES, Deadlines, Reaction, Trial, commit_due, services_overdue, storage_failed,
};
pub use decision::{Decision, Effect};
pub use facts::{Build, Complete, Content, Facts};
pub use recovery::normal_boot;
pub use refusal::Refusal;
pub use rescue::Rescue;
pub use state::{SLOT_LIMIT, SlotState, state};
pub use tested::{Tested, require_test};
