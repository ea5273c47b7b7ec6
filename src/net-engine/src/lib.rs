//! Pure decisions of the network: which packet to send, which address to take or give up, and when.
//!
//! [`Engine::step`] takes an [`Event`] and the present [`Moment`] and returns [`Action`]s; the shell (`sps-net`)
//! executes them without deciding anything. [`wire`] turns untrusted bytes into bounded values and back. [`ports`] is the table of
//! what the appliance opens, [`rules`] makes the packet filter of it.
//!
//! Invariants, held by the simulation in `tests/simulation.rs`:
//! - an address that another host answered for is never kept: it is withdrawn and, when leased, declined;
//! - an interface has one address at the most after each step, and the kernel's routes are those of that address;
//! - a static address is installed only after its probe, and on the node one default route at the most is static;
//! - once settings stay as they are, every interface settles at exactly what they want;
//! - the fallback address stands on one interface at the most;
//! - an interface with carrier gets an address in bounded time once a server answers.
//!
//! **Absent:** clock, randomness (a seed comes in once), sockets, files, tokio.

mod acd;
mod action;
mod assignment;
mod dhcp;
mod engine;
mod event;
mod fallback;
mod firewall;
mod interface;
mod lease;
mod link;
pub mod ports;
mod random;
mod report;
mod ruleset;
mod settings;
pub mod wire;

pub use acd::{ANNOUNCE_WAIT, PROBE_MAX, PROBE_NUM, PROBE_WAIT};
pub use action::{Action, ClientMessage, Destination, MessageKind};
pub use assignment::{Assignment, Origin};
pub use dhcp::{FIRST_RETRY, REQUEST_TRIES};
pub use engine::Engine;
pub use event::{Event, Moment};
pub use fallback::{FALLBACK_ADDRESS, FALLBACK_PREFIX, RETRY_AFTER_CONFLICT};
pub use firewall::{Diverted, Facts, MOST_DIVERTED, MOST_SESSION_PORTS, Wanted, rules};
pub use interface::{InterfaceView, Problem};
pub use lease::{Lease, LeaseError, MIN_LEASE, Route};
pub use link::{LinkIndex, LinkInfo, MacAddress};
pub use report::{Report, Severity};
pub use ruleset::{Chain, FOREIGN_MARK, Hook, Match, Rate, Rule, Ruleset, TABLE, Verdict};
pub use settings::{Ipv4Mode, Settings, SettingsError, StaticAddress};
