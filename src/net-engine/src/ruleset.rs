//! Rules of the packet filter as values, and their text in the language of `nft`.

use std::fmt;

use ipnet::IpNet;

use crate::ports::Protocol;

/// The table that holds all of the appliance's rules (family `inet`: IPv4 and IPv6 alike).
pub const TABLE: &str = "sps";
/// The mark of packets that belong to the appliance although another's address stands in them: a routing rule of the kernel leads them
/// to its sockets. Nothing else of the appliance marks packets.
pub const FOREIGN_MARK: u32 = 1;

/// Everything the table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruleset {
    /// The chains, each hooked to a place of its own.
    pub chains: Vec<Chain>,
}

impl Ruleset {
    /// Names of the rules that let packets in to a port.
    pub fn opened(&self) -> impl Iterator<Item = &str> {
        let rules = self.chains.iter().flat_map(|chain| &chain.rules);
        let opening = rules.filter(|rule| {
            let to_port = |wanted: &Match| matches!(wanted, Match::Port { .. });
            rule.verdict == Verdict::Accept && rule.matches.iter().any(to_port)
        });
        opening.map(|rule| rule.name.as_str())
    }
}

/// Rules for the packets that come by at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The place.
    pub hook: Hook,
    /// What happens to a packet that no rule has judged.
    pub policy: Verdict,
    /// The rules; the first whose matches all hold and that has a verdict judges.
    pub rules: Vec<Rule>,
}

/// A place in the way of packets; a chain has the name of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// To the appliance itself.
    Input,
    /// Through it.
    Forward,
    /// As it came in, before the kernel asks where it goes.
    Prerouting,
}

impl Hook {
    /// The name, also of the chain.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Prerouting => "prerouting",
        }
    }

    /// The order among others at this place, in the words of `nft`.
    #[must_use]
    pub fn priority(self) -> &'static str {
        match self {
            Self::Input | Self::Forward => "filter",
            Self::Prerouting => "mangle",
        }
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is let in.
    Accept,
    /// It vanishes, without an answer.
    Drop,
    /// It is marked as the appliance's ([`FOREIGN_MARK`]) and goes on.
    Mark,
    /// It is given to the transparent socket on this port, marked, and goes on.
    Proxy {
        /// Whether it is IPv6.
        v6: bool,
        /// TCP port.
        port: u16,
    },
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, for people: kept as the rule's comment.
    pub name: String,
    /// What a packet must be, all of it.
    pub matches: Vec<Match>,
    /// New packets a second that it applies to at the most.
    pub at_most: Option<Rate>,
    /// Whether the packets it applies to are counted.
    pub counted: bool,
    /// What becomes of them.
    pub verdict: Verdict,
}

/// A rate: packets a second, and how many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Packets a second in the long run.
    pub per_second: u32,
    /// Packets that may come at once.
    pub burst: u32,
}

/// What a packet must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// It came in by this interface.
    Interface(String),
    /// It belongs to a connection that stands, or is an error about one.
    Known,
    /// It belongs to no connection and can begin none.
    Invalid,
    /// IPv4.
    Ipv4,
    /// This protocol, to a port; from a port.
    Port {
        /// The protocol.
        protocol: Protocol,
        /// Port it comes from; any where none is given.
        from: Option<u16>,
        /// Port it goes to.
        to: u16,
    },
    /// An ICMP message of IPv4, by its type.
    Icmp(u8),
    /// An ICMP message of IPv6, by its type.
    Icmpv6(u8),
    /// It goes to one of these addresses.
    To(IpNet),
    /// TCP of a connection that a socket of the appliance has under another's address; sockets that only listen do not count.
    Foreign,
    /// IPv6 that passed so many routers: 255 means none (RFC 4861, section 3.1).
    HopLimit(u8),
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => write!(f, "iifname \"{name}\""),
            Self::Known => f.write_str("ct state established,related"),
            Self::Invalid => f.write_str("ct state invalid"),
            Self::Ipv4 => f.write_str("meta nfproto ipv4"),
            Self::Port { protocol, from, to } => {
                let protocol = protocol.to_string().to_lowercase();
                if let Some(from) = from {
                    write!(f, "{protocol} sport {from} ")?;
                }
                write!(f, "{protocol} dport {to}")
            }
            Self::Icmp(kind) => write!(f, "icmp type {kind}"),
            Self::Icmpv6(kind) => write!(f, "icmpv6 type {kind}"),
            Self::To(IpNet::V4(network)) if network.prefix_len() == 0 => f.write_str("meta nfproto ipv4"),
            Self::To(IpNet::V6(network)) if network.prefix_len() == 0 => f.write_str("meta nfproto ipv6"),
            Self::To(network @ IpNet::V4(_)) => write!(f, "ip daddr {network}"),
            Self::To(network @ IpNet::V6(_)) => write!(f, "ip6 daddr {network}"),
            Self::Foreign => f.write_str("meta l4proto tcp socket transparent 1 socket wildcard 0"),
            Self::HopLimit(hops) => write!(f, "ip6 hoplimit {hops}"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => f.write_str("accept"),
            Self::Drop => f.write_str("drop"),
            Self::Mark => write!(f, "meta mark set {FOREIGN_MARK:#010x} accept"),
            Self::Proxy { v6, port } => {
                let family = if *v6 { "ip6" } else { "ip" };
                write!(
                    f,
                    "tproxy {family} to :{port} meta mark set {FOREIGN_MARK:#010x} accept"
                )
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for wanted in &self.matches {
            write!(f, "{wanted} ")?;
        }
        if let Some(Rate { per_second, burst }) = self.at_most {
            write!(f, "limit rate {per_second}/second burst {burst} packets ")?;
        }
        if self.counted {
            f.write_str("counter ")?;
        }
        write!(f, "{} comment \"{}\"", self.verdict, self.name)
    }
}

impl fmt::Display for Ruleset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "table inet {TABLE} {{")?;
        for chain in &self.chains {
            let name = chain.hook.name();
            writeln!(f, "\tchain {name} {{")?;
            writeln!(
                f,
                "\t\ttype filter hook {name} priority {}; policy {};",
                chain.hook.priority(),
                chain.policy
            )?;
            for rule in &chain.rules {
                writeln!(f, "\t\t{rule}")?;
            }
            writeln!(f, "\t}}")?;
        }
        writeln!(f, "}}")
    }
}
