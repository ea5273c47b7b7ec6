//! The data store tried: what the tests of every way, every step and every power cut have in common.

pub mod account;
pub mod scene;
