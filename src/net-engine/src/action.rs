//! What the engine wants done. The shell executes these in order and decides nothing.

use std::net::Ipv4Addr;

use crate::assignment::Assignment;
use crate::link::LinkIndex;
use crate::report::Report;
use crate::wire::ArpPacket;

/// One effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Set the interface administratively up.
    BringUp(LinkIndex),
    /// Send a DHCP message.
    SendDhcp(LinkIndex, ClientMessage, Destination),
    /// Send an ARP packet: broadcast, as all of RFC 5227's are.
    SendArp(LinkIndex, ArpPacket),
    /// Put the address on the interface, and its routes; what is there already stays, and a route to the same
    /// destination from the same origin is replaced.
    Install(LinkIndex, Assignment),
    /// Take these routes off; the address stays.
    RemoveRoutes(LinkIndex, Assignment),
    /// Take the address and its routes off. The same address with another prefix stays.
    Withdraw(LinkIndex, Assignment),
    /// Find out whether a connection to the fallback address is open, and answer with
    /// [`crate::Event::FallbackUse`].
    AskFallbackUse,
    /// Say it in the log.
    Report(Report),
}

/// Where a DHCP message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To everyone on the link, from 0.0.0.0 or the address held.
    Broadcast,
    /// To the server that gave the lease, through the kernel's routes, from the leased address.
    Server {
        /// The leased address.
        from: Ipv4Addr,
        /// The server.
        to: Ipv4Addr,
    },
}

/// A DHCP message of the client (RFC 2131 table 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMessage {
    /// What it asks.
    pub kind: MessageKind,
    /// Transaction id.
    pub xid: u32,
    /// Seconds since the exchange began.
    pub secs: u16,
}

/// What a client message asks, with the fields that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Who has an address for me?
    Discover,
    /// I take this offer of this server.
    Select {
        /// The offered address.
        address: Ipv4Addr,
        /// The server whose offer it is.
        server: Ipv4Addr,
    },
    /// May I still use this address? (INIT-REBOOT)
    Confirm {
        /// The address held.
        address: Ipv4Addr,
    },
    /// Extend my lease, unicast (RENEWING) or broadcast (REBINDING).
    Extend {
        /// The address held.
        address: Ipv4Addr,
    },
    /// Another host uses this address.
    Decline {
        /// The address.
        address: Ipv4Addr,
        /// The server that gave it.
        server: Ipv4Addr,
    },
    /// I no longer need this address.
    Release {
        /// The address.
        address: Ipv4Addr,
        /// The server that gave it.
        server: Ipv4Addr,
    },
}
