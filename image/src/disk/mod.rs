//! The disk of an installed appliance: where its partitions lie, and how its partition table is read and written.
//!
//! The table is a GPT (UEFI specification, chapter 5). [`layout`] says where everything lies, [`table`] turns a table
//! into bytes and back, [`read`] judges the two copies on a disk, [`write`] writes them in an order that a power cut
//! cannot break. [`file_extents`] finds the boot control inside the EFI system partition, to be overwritten in place;
//! [`sparse`] holds what was written to a disk or partition that is made in memory.
//!
//! Invariants: partitions are known by number and type, never by name or label; a disk whose GUID is the template's
//! is *fresh* (see [`layout::Identity`]); what is read may come from an enemy: bounded, without panics. No clock and
//! no randomness: who makes an identity brings the random bytes.

pub mod file_extents;
pub mod file_systems;
pub mod guid;
pub mod layout;
pub mod read;
pub mod sparse;
pub mod table;
pub mod write;
