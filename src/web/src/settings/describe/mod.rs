//! What each setting consists of, by section.

pub(super) mod basic;
pub(super) mod connections;
pub(super) mod policies;
