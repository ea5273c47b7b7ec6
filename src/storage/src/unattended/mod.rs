//! Installing without a person: an order on a second medium or on the kernel's command line.
//!
//! An order that leaves a choice is refused: nothing is installed on a guess. What is read may come from anywhere: bounded,
//! no mounts ([`crate::medium`]). [`Order`] and [`choose`] are pure, [`find`] looks at the media.

mod choose;
mod find;
mod order;
mod size;

pub use choose::{ChoiceError, choose};
pub use find::{FindError, Found, find};
pub use order::{After, DiskRule, FILE_NAME, MOST_BYTES, Order, OrderError};
pub use size::{SizeError, parse_size};
