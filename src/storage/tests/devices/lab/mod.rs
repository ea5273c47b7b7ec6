//! What the tests stand on: loop devices, a small real firmware, a stand-in for the kernel's DRBD, witnesses.

mod disk;
mod drbd;
mod firmware;
mod witness;

pub(crate) use disk::{LoopDisk, run};
pub(crate) use drbd::StandIn;
pub(crate) use firmware::{firmware, image, trust};
pub(crate) use witness::{grub_reads, sgdisk_finds_no_problem};
