//! The packet filter: the engine's [`Ruleset`](sps_net_engine::Ruleset) as messages of nf_tables, sent in one batch.
//!
//! No program is started and nothing is decided here. The kernel takes a batch whole or not at all, so there is never a
//! moment without rules (`DECISION-firewall.md`).

mod counters;
mod encode;
mod exchange;
mod expressions;
mod install;

pub use counters::{Counter, counters};
pub use exchange::FirewallError;
pub use install::install;
