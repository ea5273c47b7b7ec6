//! The forms of documents and databases in each layout of the data store: what `sps-datastore` asks for without knowing it.
//!
//! Invariant: nothing here knows where a place is; folders are given.

mod aside;
mod catalogue;
pub mod check;
mod find;
mod forms;
mod import;
mod opening;
mod recover;

pub use aside::{Aside, AsideError, Damaged};
pub use find::{FindError, find};
pub use forms::{Forms, Live};
pub use import::{Import, Importing};
pub use opening::{Filling, Opening};
pub use recover::Recovery;
