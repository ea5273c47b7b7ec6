//! System calls that the safe crates do not cover: the only room where `unsafe` is allowed.
//!
//! Every block states why it is sound. Whatever `rustix` offers safely is used from `rustix` directly by the
//! rooms that need it, so this crate stays small enough to be read in one sitting.

#![allow(
    unsafe_code,
    reason = "this room exists for it; clippy demands a SAFETY comment on each block"
)]

pub mod block;
pub mod descriptors;
pub mod ext4;
pub mod freeze;
pub mod memory;
pub mod packet;
pub mod spawn;
pub mod timex;
pub mod watchdog;
pub mod writeback;
