//! What the engine knows of a network interface before any packet: identity, order, carrier.

use std::fmt;

/// The kernel's interface index. Never reused while the interface exists.
pub type LinkIndex = u32;

/// An Ethernet hardware address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// The Ethernet broadcast address.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// What an ARP request has for the hardware address it asks for.
    pub const UNKNOWN: Self = Self([0; 6]);
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An interface as the shell sees it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// Kernel index.
    pub index: LinkIndex,
    /// Kernel name, such as `eth0`.
    pub name: String,
    /// Hardware address.
    pub mac: MacAddress,
    /// Place on its bus, such as `0000:00:03.0`; interfaces are ordered by it, those without one come last.
    pub bus: Option<String>,
    /// Whether the link is up: cable in, other end alive.
    pub carrier: bool,
    /// Speed in Mbit/s, when the driver tells one.
    pub speed: Option<u32>,
}

impl LinkInfo {
    /// The key of the documented order: place on the bus, then index.
    pub(crate) fn order(&self) -> (bool, &str, LinkIndex) {
        (self.bus.is_none(), self.bus.as_deref().unwrap_or(""), self.index)
    }
}
