//! `sps trail`: trails verified, exported and played, on any machine this binary runs on.
//!
//! Exit status: 0 every trail is whole, 1 one is not, 2 something could not be read or opened with the keys. Invariant: nothing but the
//! named files is opened, no file is written but what is asked for, and none is replaced.

mod arguments;
mod export;
mod judged;
mod reading;
mod replay;
mod seals;
mod table;
mod tokens;
mod verify;

pub use arguments::{ExportArgs, Format, ReplayArgs, TrailCommand, VerifyArgs};
pub use export::export;
pub use reading::{NOT_WHOLE, UNREADABLE, WHOLE};
pub use replay::{Follower, Pause, replay};
pub use verify::verify;
