//! DRBD under `data`: one resource with one volume, external metadata, unconnected until there is a pair.
//!
//! `data` lies on DRBD from the first boot, so making a pair never moves it. Rule: by force only at the very creation; ever
//! after DRBD itself must say that its disk is up to date.

mod resource;
mod status;

pub use resource::{Drbd, DrbdError};
pub use status::{DiskState, Role, Status};
