//! The boot log: what the appliance says while it starts, with time, phase and level.
//!
//! One bounded ring holds the entries; the console, the serial line and the boot page all read from it, so
//! the text is the same everywhere. Entries arrive through `tracing` ([`BootLogLayer`]): a crate that wants
//! to be heard writes `tracing::info!(…)` and knows nothing of this one.
//!
//! Invariants: entries are numbered without gaps from 1; a reader that falls behind the ring is told how many
//! entries it missed; writing never blocks on a reader and never touches a disk.

mod causes;
mod entry;
mod layer;
mod ring;
mod verbosity;

pub use causes::causes;
pub use entry::{Entry, Level};
pub use layer::BootLogLayer;
pub use ring::{BootLog, CAPACITY, Snapshot, uptime};
pub use verbosity::Verbosity;
