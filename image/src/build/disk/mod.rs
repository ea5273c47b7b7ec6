//! Disk images: a disk as the installer leaves it, made without booting anything, without root and without mounting.
//!
//! [`assemble`] puts the disk together as a list of what is written to it; [`raw`], [`qcow2`], [`vmdk`] and [`ova`]
//! write it in the form that people import. Invariants: the firmware that goes in decides every byte; memory and output grow with
//! what is on the disk, never with its size.

pub mod assemble;
pub mod boot;
pub mod ova;
pub mod qcow2;
pub mod raw;
pub mod vmdk;
