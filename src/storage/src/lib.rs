//! The appliance's disk: which one it is, making it at the first boot, growing it, mounting it, installing it.
//!
//! What decides ([`own::choose`], …) is pure; what acts touches devices and runs Debian's programs through [`helper`].

pub mod data;
pub mod device;
pub mod disks;
pub mod drbd;
pub mod ext4;
pub mod first_boot;
pub mod helper;
pub mod install;
pub mod own;
pub mod random;
pub mod uevents;
pub mod unattended;
