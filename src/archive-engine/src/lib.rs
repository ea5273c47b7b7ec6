//! When archiving, clean-up and backups run, what is due, and what happens when the disk of `data` fills up.
//!
//! Everything is decided from arguments, `now` among them. Invariants:
//! - nothing is due that is younger than its policy says, whatever the clock does: after a leap, forwards or backwards, nothing is
//!   deleted until the clock has gone on from there for a day ([`Clock`]);
//! - a policy runs once on each day of the appliance's time zone, also where clocks change;
//! - a full disk ends sessions and starts archiving; nothing here deletes because a disk is full.

mod age;
mod clock;
mod daily;
mod filling;

pub use age::ended_before;
pub use clock::{Clock, STEADY, Trust};
pub use daily::{Daily, DailyError};
pub use filling::{ARCHIVE_AGAIN, Action, Filling, HYSTERESIS, Limits, State, permille};
