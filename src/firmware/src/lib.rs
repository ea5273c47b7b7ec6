//! Firmware slots on `boot`, the boot control on the ESP, the records on `state`: carries out what
//! `sps-firmware-engine` decides.
//!
//! [`Firmware`] is what administrators, boot and supervision call. One change at a time: a second one is told that the
//! first is under way. Reading never waits for a change.
//!
//! Invariants:
//! - nothing becomes Staged that was not verified against the keys this firmware trusts, read back from the disk and
//!   found the same; `manifest.sig` appears last, by rename, and disappears first;
//! - effects are carried out in the order of the decision, each durable before the next: files and folders synced,
//!   `boot` frozen and thawed before GRUB is told of it, copy A synced before copy B is touched;
//! - no symbolic link is followed and nothing outside the given folders is touched, whatever lies in a slot;
//! - memory is bounded, whatever the size of a firmware; every read has a limit.
//!
//! Must not mount, partition, or decide; must not reboot: it says that a reboot is due.

mod changes;
mod control_store;
mod documents;
mod error;
mod execute;
mod facts;
mod firmware;
mod folder;
mod incoming;
mod inventory;
mod medium;
mod progress;
mod records;
mod staging;
mod step;
mod testing;
mod view;

pub use changes::Added;
pub use control_store::{ByteRange, ControlStore, PartitionStore};
pub use documents::{LastRollback, MAX_EXCERPT, MAX_REPORT, TestRecord};
pub use error::FirmwareError;
pub use firmware::{Evidence, Firmware, Settings, Started};
pub use incoming::{Incoming, Received};
pub use medium::Medium;
pub use progress::{Progress, Stage};
pub use step::{Step, Steps};
pub use testing::Testable;
pub use view::{Commit, FailedView, SlotView, Status};
