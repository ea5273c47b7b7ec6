//! The data store: trees on `data`, one for each layout in use, and how a firmware gets its own.
//!
//! [`Store`] finds the tree of the running firmware or makes it ([`Store::prepare`]), as `sps-datastore-engine` decides: a tree is
//! built beside the one there is, which is only read, and one symbolic link is the commit point. Going back needs nothing but
//! the earlier firmware. What a firmware on trial records is carried to the earlier tree in a form every version reads
//! ([`Store::carry_out`], [`Store::carry_in`]).
//!
//! Invariants:
//! - a tree that was worked on is never changed by a reorganization;
//! - nothing is served from a tree that is not whole, and no tree is whole before all of it is verified and permanent;
//! - every file of a tree is in the new one, under its place or under `unrecognized`, or a note says why not;
//! - no path leads out of the store, whatever it holds; names are bytes;
//! - memory does not grow with the number of files.
//!
//! What documents and databases mean is [`Content`], given by whoever wires the rooms. Must not mount, nor reboot.

mod carry;
mod clean;
mod content;
mod disk;
mod documents;
mod error;
mod measure;
mod reorganize;
mod restore;
mod steps;
mod store;
mod survey;
mod trails;
mod walk;

pub use carry::Carried;
pub use content::{Catalogue, Content, ContentError, Migrated};
pub use error::StoreError;
pub use reorganize::{Made, Report, Watch};
pub use restore::Restoring;
pub use steps::{Step, Steps};
pub use store::{Prepared, Store, Usage};
pub use trails::Removed;
