//! A simulated network around the engine, the servers on it, and what must hold in it.

mod invariants;
mod kernel;
mod network;
mod plan;
mod server;
mod settings;

pub(crate) use network::{World, host_mac};
pub(crate) use plan::{Dice, Plan, QUIET_DELAY};
