//! Firmware image: manifest, signatures, initramfs, ESP, hybrid ISO.
//!
//! One definition for the builder (`xtask`) and the appliance. Everything outside [`build`] reads and judges bytes
//! that may come from an enemy: bounded, without panics, without clock. [`build`] makes images and is compiled
//! only with the feature of that name; it is deterministic: no clock, no randomness, no absolute paths.

pub mod archive;
pub mod boot_control;
pub mod compression;
pub mod day;
pub mod disk;
pub mod esp;
pub mod hex;
pub mod iso9660;
pub mod keyfile;
pub mod keys;
pub mod manifest;
pub mod names;
pub mod release;
pub mod show;
pub mod source;
pub mod upgrade_path;
pub mod verify;
pub mod version;

#[cfg(feature = "build")]
pub mod build;
#[cfg(feature = "cli")]
pub mod cli;
