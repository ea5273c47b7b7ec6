//! The appliance's disk: which one it is, making it at the first boot, growing it, mounting it, installing it.
//!
//! What decides is pure and stands in files of its own: which disk is the own one ([`own::choose`]), what the kernel has to
//! be told ([`own::changes`]), whether a disk may be installed on and how ([`install::plan`]), which disk an order means
//! ([`unattended::choose`]), what is on a disk ([`disks::probe`]). What acts touches devices and runs Debian's programs
//! through [`helper`].
//!
//! Invariants:
//! - a disk is known by its partition table, never by a name, a label or its place in the machine;
//! - what makes a disk bootable, or no longer fresh, is written last; everything before can be done again from the start;
//! - nothing on a disk is executed: every mount says so;
//! - what strangers wrote is read without mounting it, within bounds;
//! - every function that touches a device blocks for as long as the device does: none is for PID 1's own threads.

pub mod additional;
pub mod data;
pub mod device;
pub mod disks;
pub mod drbd;
pub mod ext4;
pub mod first_boot;
pub mod helper;
pub mod install;
pub mod medium;
pub mod own;
pub mod random;
pub mod uevents;
pub mod unattended;
