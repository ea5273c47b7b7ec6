//! Believable data stores of any layout and size, for tests and benchmarks. The same recipe makes the same store.
//!
//! A store has configuration, trails, metadata, index files, logs (the open one with a torn last line), reports, plugins, keys of
//! indexers, core files, and, when asked for, damage and names that nobody expects.

mod damage;
mod files;
mod people;
mod random;
mod store;
#[cfg(test)]
mod tests;

pub use files::TrailSize;
pub use people::session;
pub use random::Random;
pub use store::{Made, Recipe, make};
