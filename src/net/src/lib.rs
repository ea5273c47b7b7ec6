//! The network of the appliance: interfaces up, each with the address an administrator wants for it (by DHCP,
//! static, none), the fallback address when there is no other, and address conflicts noticed.
//!
//! [`firewall::install`] puts the packet filter in force that [`rules`] makes of the table of [`ports`].
//!
//! [`diversion::set`] leads packets that the filter marked to the appliance's own sockets, whatever address stands in them.
//!
//! [`run`] and [`run_watched`] execute what [`sps_net_engine::Engine`] decides; nothing is decided here. It speaks netlink and packet
//! sockets itself and starts no program.
//!
//! Invariants:
//! - This crate owns the IPv4 addresses of the interfaces it manages (Ethernet cards, and `veth` in containers and
//!   tests; not bonds, VLANs, bridges or their members): what it finds on them at the start is removed.
//! - A change of settings is in force at once and touches only the interfaces it is about; an address that was in use
//!   goes when its successor stands. Settings that fail [`NetworkSettings::check`] change nothing.
//! - IPv6: the kernel's link-local address stays, router advertisements are not heard until the network is
//!   configured (`DECISION-ipv6.md`).
//! - Queues between tasks are bounded; a flood costs packets, not memory.
//!
//! **Absent:** decisions, unsafe code, configuration files, anything under `/run`.

pub mod diversion;
mod error;
pub mod firewall;
mod links;
mod netlink;
mod packets;
mod resolv;
mod service;
mod settings;
mod state;
mod sysctl;
mod usage;

pub use error::NetError;
pub use service::{run, run_watched};
pub use settings::{NetworkSettings, NetworkSettingsError};
pub use sps_net_engine::{
    Diverted, FALLBACK_ADDRESS, FALLBACK_PREFIX, Facts, Ipv4Mode, MOST_DIVERTED, MOST_SESSION_PORTS,
    SettingsError, StaticAddress, Wanted, ports, rules,
};
pub use state::{AddressOrigin, AddressState, InterfaceState, NetworkState};
