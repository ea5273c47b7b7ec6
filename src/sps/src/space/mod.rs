//! Room on the data store: policies carried out with the rooms that can. Blocking throughout.
//!
//! One run at a time, whoever asks for it; what it came to stands in a record on `state`.

mod adding;
mod backing_up;
mod error;
mod keeper;
mod moving;
mod node;
mod record;
mod restoring;
mod room;
mod target;

pub(crate) use error::SpaceError;
pub(crate) use node::NodeOfBackup;
pub(crate) use restoring::RESTORED_KEY;
pub(crate) use room::{Due, Room, Spare, Work};
pub(crate) use target::Places;
#[cfg(test)]
mod tests;
