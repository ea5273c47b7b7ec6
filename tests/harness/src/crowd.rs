//! SSH sessions that are many and cost this machine little: clients, and a server that takes everybody.

mod clients;
pub mod null;

pub use clients::{Anybody, config, shell, somebody, stubborn};
