//! What the engine is told.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::link::{LinkIndex, LinkInfo};
use crate::settings::Settings;
use crate::wire::{ArpPacket, Reply};

/// Time on a monotonic clock, counted from any fixed start.
pub type Moment = Duration;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// An interface appeared or changed (carrier, name, speed).
    Link(LinkInfo),
    /// An interface is gone.
    LinkGone(LinkIndex),
    /// The kernel's first list of interfaces is complete.
    Listed,
    /// A DHCP message for this host came in.
    Dhcp(LinkIndex, Reply),
    /// An ARP packet came in.
    Arp(LinkIndex, ArpPacket),
    /// An administrator changed the settings.
    Settings(Settings),
    /// The answer to [`crate::Action::AskFallbackUse`]: whether someone has a connection to the fallback address.
    FallbackUse {
        /// Some connection to the address is open.
        in_use: bool,
    },
    /// The moment of [`crate::Engine::deadline`] has come, or was passed.
    Time,
    /// The node goes down: leases are given back.
    Shutdown,
}

/// The network of `address` with `prefix` bits.
pub(crate) fn network(address: Ipv4Addr, prefix: u8) -> u32 {
    u32::from(address) & netmask(prefix)
}

/// The mask of `prefix` bits.
pub(crate) fn netmask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}
