//! The forms of documents and databases in each layout of the data store: what `sps-datastore` asks for without knowing it.
//!
//! Invariant: nothing here knows where a place is; folders are given.

mod catalogue;
mod forms;
mod import;

pub use forms::Forms;
pub use import::{Import, Importing};
