//! A simulated network around the engine, the servers on it, and what must hold in it.

mod invariants;
mod kernel;
mod network;
mod server;
mod settings;

pub(crate) use network::{Dice, Plan, QUIET_DELAY, World, host_mac};
