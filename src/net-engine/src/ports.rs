//! The ports of the appliance: the one table from which the packet filter and the documentation are made.
//!
//! What is not in it is closed. A service that listens gets a line here first.

use std::fmt::{self, Write};

/// Protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

/// When a port is open, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Always, on every interface.
    Always,
    /// To answers of DHCP servers: IPv4 from port 67.
    DhcpServers,
    /// SSH: in rescue, or for firmware.
    Ssh,
    /// The heartbeat of a pair.
    Heartbeat,
    /// Indexers on other hosts, on the port that is set.
    Indexers,
}

impl Opening {
    /// When, in the words of the documentation.
    #[must_use]
    pub fn when(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::DhcpServers => "always, for answers of DHCP servers (IPv4, from port 67)",
            Self::Ssh => {
                "in rescue, once a console password is set; otherwise while `firmware.ssh_upload` is on; never while the appliance is sealed"
            }
            Self::Heartbeat => "in a pair",
            Self::Indexers => {
                "outside rescue, while *Local Services > Indexer* is on and a host was added; another port when one is set there"
            }
        }
    }

    /// Where, in the words of the documentation.
    #[must_use]
    pub fn whereabouts(self) -> &'static str {
        match self {
            Self::Always | Self::DhcpServers | Self::Indexers => "every interface",
            Self::Ssh => {
                "in rescue those of the setting `rescue.ssh`: the first, all, none, or named ones; otherwise every interface"
            }
            Self::Heartbeat => "those of the heartbeat; a node that is not in a pair has none",
        }
    }
}

/// A port that the appliance may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// Its protocol.
    pub protocol: Protocol,
    /// Short name; it names the rule.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// When and where it is open.
    pub opening: Opening,
}

/// SSH's own port (RFC 4253, section 4).
pub const SSH: Port = Port {
    number: 22,
    protocol: Protocol::Tcp,
    name: "ssh",
    purpose: "menu, commands and logs for whoever mends the appliance, firmware by SFTP and scp; never a shell",
    opening: Opening::Ssh,
};

/// The boot page's plain port.
pub const HTTP: Port = Port {
    number: 80,
    protocol: Protocol::Tcp,
    name: "http",
    purpose: "sends browsers to HTTPS, nothing else",
    opening: Opening::Always,
};

/// The boot page.
pub const HTTPS: Port = Port {
    number: 443,
    protocol: Protocol::Tcp,
    name: "https",
    purpose: "the boot page",
    opening: Opening::Always,
};

/// Indexers on other hosts.
pub const INDEXERS: Port = Port {
    number: 12_345,
    protocol: Protocol::Tcp,
    name: "indexers",
    purpose: "external indexers, by TLS 1.3 with a certificate each that is known here",
    opening: Opening::Indexers,
};

/// Every port, in the order of the documentation.
pub const PORTS: &[Port] = &[
    SSH,
    HTTP,
    HTTPS,
    Port {
        number: crate::wire::CLIENT_PORT,
        protocol: Protocol::Udp,
        name: "dhcp-client",
        purpose: "addresses from DHCP servers",
        opening: Opening::DhcpServers,
    },
    Port {
        number: 694,
        protocol: Protocol::Udp,
        name: "heartbeat",
        purpose: "the nodes of a pair watch each other",
        opening: Opening::Heartbeat,
    },
    INDEXERS,
];

/// The documentation of `ports`: the whole text of `PORTS.md`.
#[must_use]
pub fn markdown(ports: &[Port]) -> String {
    let mut text = String::from(
        "# Ports\n\n\
        Made from the table that the packet filter is made from (`src/net-engine/src/ports.rs`); a test compares them.\n\n\
        | port | name | what for | open when | on which interfaces |\n|---|---|---|---|---|\n",
    );
    for port in ports {
        let Port { number, protocol, .. } = port;
        let (when, place) = (port.opening.when(), port.opening.whereabouts());
        // Writing to a string cannot fail.
        let _written = writeln!(
            text,
            "| {protocol} {number} | {} | {} | {when} | {place} |",
            port.name, port.purpose
        );
    }
    text.push_str(
        "\nOutside rescue the TCP ports of the connection policies are open too, on every interface: who may come is said there.\n\
        Connections to other machines that a router sends here are taken up where a policy has their original target, and nowhere else \
        (transparent mode).\n\n\
        Everything else that comes in is dropped without an answer, and so is everything that is to be forwarded. Let in are also: \
        answers to what\nthe appliance asked, ping (50 new ones a second), neighbour discovery and multicast listener queries of IPv6. \
        What the appliance sends\nis not filtered. IPv4 and IPv6 are treated alike.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_stands_twice() {
        let mut all: Vec<_> = PORTS.iter().map(|port| (port.protocol, port.number)).collect();
        let mut names: Vec<_> = PORTS.iter().map(|port| port.name).collect();
        all.sort_unstable();
        names.sort_unstable();
        all.dedup();
        names.dedup();
        assert_eq!((all.len(), names.len()), (PORTS.len(), PORTS.len()));
    }

    #[test]
    fn the_documentation_is_current() {
        let kept = include_str!("../PORTS.md");
        let made = markdown(PORTS);
        assert!(
            kept == made,
            "PORTS.md is not what the table says; it must be:\n\n{made}"
        );
    }
}
