//! What disks there are, and what is on them.
//!
//! Sysfs tells what a disk is, a bounded look at its content what is on it. The look reads bytes that may come from an
//! enemy: it is pure, bounded and never mounts anything.

mod content;
mod list;
mod probe;
mod usage;

pub use content::{ApplianceDisk, Content, FirmwareMedium, TableKind};
pub use list::{Bus, Disk, Scope, list};
pub use probe::{MOST_READ, probe, volume_size};
pub use usage::{Use, in_use};
