//! What the packet filter lets in: the table of ports and what is so of the appliance make the rules.
//!
//! Invariants: what is not in the table is dropped; nothing is forwarded; the number of rules is bounded. What is diverted to the
//! appliance's proxies comes by the same ports as everything else.

use ipnet::IpNet;

use crate::ports::{Opening, Port, Protocol};
use crate::ruleset::{Chain, Hook, Match, Rate, Rule, Ruleset, Verdict};
use crate::wire::SERVER_PORT;

/// Interfaces named in one rule each: more than any machine's cards, few enough for one answer of the kernel.
const MOST_INTERFACES: usize = 32;
/// Ports of connection policies that are opened: more than anybody has, few enough for one answer of the kernel.
pub const MOST_SESSION_PORTS: usize = 64;
/// Networks whose connections are taken up: more than anybody has in connection policies, few enough for one answer of the kernel.
pub const MOST_DIVERTED: usize = 64;
/// The kernel's longest interface name (`IFNAMSIZ` with its NUL).
const LONGEST_NAME: usize = 15;
/// New pings a second: monitoring needs a few, a flood costs no answers.
const PINGS: Rate = Rate {
    per_second: 50,
    burst: 100,
};
/// Echo request of ICMP (RFC 792) and ICMPv6 (RFC 4443, section 4.1).
const PING: (u8, u8) = (8, 128);
/// ICMPv6 that IPv6 cannot do without on its own link: type, hop limit, name (RFC 4861, section 4; RFC 2710, section 3).
/// Redirects are not among them.
const NEIGHBOURHOOD: [(u8, u8, &str); 4] = [
    (134, 255, "router advertisement"),
    (135, 255, "neighbour solicitation"),
    (136, 255, "neighbour advertisement"),
    (130, 1, "multicast listener query"),
];

/// Interfaces on which something is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// None.
    #[default]
    None,
    /// The first by name: the one administrators use.
    First,
    /// Every one.
    All,
    /// These.
    Named(Vec<String>),
}

impl Wanted {
    /// Whether it is wanted on `interface`, one of `all`.
    #[must_use]
    pub fn includes(&self, interface: &str, all: &[String]) -> bool {
        match self {
            Self::None => false,
            Self::First => all.iter().min().is_some_and(|first| first == interface),
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == interface),
        }
    }
}

/// What is so of the appliance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// It was started to be mended.
    pub rescue: bool,
    /// Nobody may log in from afar.
    pub sealed: bool,
    /// There is a password to log in with.
    pub password: bool,
    /// Where SSH is wanted in rescue.
    pub rescue_ssh: Wanted,
    /// Firmware may be sent by SSH outside rescue, and there is a password for that.
    pub firmware_ssh: bool,
    /// Where the heartbeat of a pair is; nowhere on a node without another.
    pub heartbeat: Wanted,
    /// The interfaces there are.
    pub interfaces: Vec<String>,
    /// TCP ports of connection policies: open on every interface, since who may come is theirs to say.
    pub sessions: Vec<u16>,
    /// Connections to others that are taken up when a router sends them here.
    pub diverted: Vec<Diverted>,
    /// Whether servers may see the address of the client instead of the appliance's.
    pub foreign_source: bool,
    /// The port of external indexers, while they may connect.
    pub indexers: Option<u16>,
}

/// Connections to other machines that are taken up (transparent mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diverted {
    /// The machines they go to.
    pub to: IpNet,
    /// The TCP port they go to; on the same one a transparent socket listens.
    pub port: u16,
}

impl Facts {
    /// Whether the appliance has connections under addresses of others: the kernel must then lead their packets to it.
    #[must_use]
    pub fn has_foreign(&self) -> bool {
        self.foreign_source || !self.diverted.is_empty()
    }

    /// Where SSH is open.
    #[must_use]
    pub fn ssh(&self) -> &Wanted {
        match (self.sealed, self.rescue) {
            (false, true) if self.password => &self.rescue_ssh,
            (false, false) if self.firmware_ssh => &Wanted::All,
            _ => &Wanted::None,
        }
    }

    /// Where a port is open.
    fn open(&self, opening: Opening) -> &Wanted {
        match opening {
            Opening::Always | Opening::DhcpServers => &Wanted::All,
            Opening::Indexers if self.indexers.is_some() => &Wanted::All,
            Opening::Indexers => &Wanted::None,
            Opening::Ssh => self.ssh(),
            Opening::Heartbeat => &self.heartbeat,
        }
    }
}

/// The rules that open what the table says and close everything else.
#[must_use]
pub fn rules(ports: &[Port], facts: &Facts) -> Ruleset {
    let mut input = first();
    input.extend(icmp());
    input.extend(ports.iter().flat_map(|port| of_port(port, facts)));
    input.extend(
        facts
            .sessions
            .iter()
            .take(MOST_SESSION_PORTS)
            .map(|port| of_sessions(*port)),
    );
    input.push(counted("everything else", [], Verdict::Drop));
    let forward = vec![counted("everything forwarded", [], Verdict::Drop)];
    Ruleset {
        chains: vec![
            Chain {
                hook: Hook::Input,
                policy: Verdict::Drop,
                rules: input,
            },
            Chain {
                hook: Hook::Forward,
                policy: Verdict::Drop,
                rules: forward,
            },
            Chain {
                hook: Hook::Prerouting,
                policy: Verdict::Accept,
                rules: foreign(facts),
            },
        ],
    }
}

/// What comes first because most packets are of it.
fn first() -> Vec<Rule> {
    vec![
        plain("connections that stand", [Match::Known]),
        plain("loopback", [Match::Interface("lo".into())]),
        counted("invalid", [Match::Invalid], Verdict::Drop),
    ]
}

fn icmp() -> Vec<Rule> {
    let (v4, v6) = PING;
    let ping = |name, wanted| Rule {
        at_most: Some(PINGS),
        ..plain(name, [wanted])
    };
    let mut rules = vec![ping("ping", Match::Icmp(v4)), ping("ping6", Match::Icmpv6(v6))];
    let neighbourhood = NEIGHBOURHOOD.iter();
    rules.extend(
        neighbourhood.map(|(kind, hops, name)| plain(name, [Match::HopLimit(*hops), Match::Icmpv6(*kind)])),
    );
    rules
}

/// What has another's address in it and is the appliance's all the same: answers first, since most packets are of them.
fn foreign(facts: &Facts) -> Vec<Rule> {
    if !facts.has_foreign() {
        return Vec::new();
    }
    let standing = Rule {
        verdict: Verdict::Mark,
        ..plain("connections under addresses of others", [Match::Foreign])
    };
    let mut diverted: Vec<Diverted> = facts.diverted.clone();
    diverted.sort_unstable();
    diverted.dedup();
    let taken_up = diverted
        .into_iter()
        .take(MOST_DIVERTED)
        .map(|Diverted { to, port }| {
            let to = to.trunc();
            let what = [
                Match::To(to),
                Match::Port {
                    protocol: Protocol::Tcp,
                    from: None,
                    to: port,
                },
            ];
            let v6 = matches!(to, IpNet::V6(_));
            counted(
                &format!("diverted from {to} port {port}"),
                what,
                Verdict::Proxy { v6, port },
            )
        });
    [standing].into_iter().chain(taken_up).collect()
}

fn of_sessions(port: u16) -> Rule {
    let what = [Match::Port {
        protocol: Protocol::Tcp,
        from: None,
        to: port,
    }];
    counted(&format!("sessions on port {port}"), what, Verdict::Accept)
}

fn of_port(port: &Port, facts: &Facts) -> Vec<Rule> {
    let mut what = Vec::new();
    let from = (port.opening == Opening::DhcpServers).then_some(SERVER_PORT);
    if from.is_some() {
        what.push(Match::Ipv4);
    }
    let number = facts.indexers.filter(|_| port.opening == Opening::Indexers);
    what.push(Match::Port {
        protocol: port.protocol,
        from,
        to: number.unwrap_or(port.number),
    });
    let wanted = facts.open(port.opening);
    if *wanted == Wanted::All {
        return vec![counted(port.name, what, Verdict::Accept)];
    }
    let on = |name: String| {
        let matches = [Match::Interface(name.clone())].into_iter().chain(what.clone());
        counted(&format!("{} on {name}", port.name), matches, Verdict::Accept)
    };
    named(wanted, &facts.interfaces).into_iter().map(on).collect()
}

/// The interfaces meant, by name; a name that no interface can have is left out.
fn named(wanted: &Wanted, interfaces: &[String]) -> Vec<String> {
    let candidates = match wanted {
        Wanted::Named(names) => names.as_slice(),
        Wanted::None | Wanted::First | Wanted::All => interfaces,
    };
    let fit = candidates.iter().filter(|name| {
        let letters = name.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
        wanted.includes(name, interfaces) && letters && (1..=LONGEST_NAME).contains(&name.len())
    });
    let mut names: Vec<String> = fit.cloned().collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(MOST_INTERFACES);
    names
}

fn plain(name: &str, matches: impl IntoIterator<Item = Match>) -> Rule {
    Rule {
        name: name.into(),
        matches: matches.into_iter().collect(),
        at_most: None,
        counted: false,
        verdict: Verdict::Accept,
    }
}

fn counted(name: &str, matches: impl IntoIterator<Item = Match>, verdict: Verdict) -> Rule {
    Rule {
        counted: true,
        verdict,
        ..plain(name, matches)
    }
}

#[cfg(test)]
mod tests;
