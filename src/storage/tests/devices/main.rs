//! Real disks made of files: installed, booted for the first time, grown, damaged, kept.
//!
//! Needs root, loop devices, and Debian's `util-linux`, `e2fsprogs`, `drbd-utils`, `gdisk`,
//! `mtools` and `grub-common`.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod additional;
mod first_boot;
mod install;
mod lab;
mod media;
mod own;
