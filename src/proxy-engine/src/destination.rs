//! Where a connection goes: what its policy says, and in-band what the client asked for within what the policy lets it name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use sps_cluster_config::sections::connections::{Destination, InbandTarget};
use thiserror::Error;

use crate::host::{Host, shown};
use crate::inband::Login;

/// The port of SSH, when nobody names another.
const SSH: u16 = 22;

/// A server and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The server.
    pub host: Host,
    /// Its TCP port.
    pub port: u16,
}

/// Where a connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destined {
    /// There.
    To(Wanted),
    /// There, when the address its name has is among those the policy lets clients name: [`permits_address`] says so.
    IfAddress(Wanted),
}

/// Why it goes nowhere.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Misdirected {
    /// In-band, and no server named.
    #[error("name the server you want: log in as user@server")]
    Nowhere,
    /// Named a server the policy does not let clients name.
    #[error("{server} is not among the servers of this connection: ask your administrator")]
    Forbidden {
        /// The server and port asked for.
        server: String,
    },
    /// What the policy itself names is no server.
    #[error("the connection goes to {text:?}, which is no host name: an administrator must mend its target")]
    Policy {
        /// What it says.
        text: String,
    },
    /// Address families do not fit.
    #[error("the connection translates to {network}, but {original} is of the other address family")]
    Family {
        /// The network of the policy.
        network: IpNet,
        /// Where the client wanted to go.
        original: IpAddr,
    },
}

/// Where a client goes. `original` is the address it connected to.
///
/// # Errors
/// When that is nowhere.
pub fn destined(
    destination: &Destination,
    original: SocketAddr,
    login: &Login,
) -> Result<Destined, Misdirected> {
    match destination {
        Destination::Original {} => Ok(Destined::To(Wanted {
            host: Host::Address(original.ip().to_canonical()),
            port: original.port(),
        })),
        Destination::Fixed { server, port } => {
            let host = Host::parse(server).map_err(|_| Misdirected::Policy { text: shown(server) })?;
            Ok(Destined::To(Wanted { host, port: *port }))
        }
        Destination::Nat { network } => Ok(Destined::To(Wanted {
            host: Host::Address(translated(*network, original.ip().to_canonical())?),
            port: original.port(),
        })),
        Destination::Inband { targets } => inband(targets, login),
    }
}

fn inband(targets: &[InbandTarget], login: &Login) -> Result<Destined, Misdirected> {
    let Some(host) = login.server.clone() else {
        return Err(Misdirected::Nowhere);
    };
    // A port that is not named is the one of the target, if it has one, else SSH's.
    let of_target = |target: &InbandTarget| login.port.or(target.port).unwrap_or(SSH);
    let fits = |target: &&InbandTarget| target.port.is_none_or(|port| port == of_target(target));
    let named = targets
        .iter()
        .filter(fits)
        .find(|target| names(&target.host, &host));
    if let Some(target) = named {
        let port = of_target(target);
        return Ok(Destined::To(Wanted { host, port }));
    }
    // A name may lead to an address that may be named: known only when it was looked up.
    let network = targets
        .iter()
        .filter(fits)
        .find(|target| network_of(&target.host).is_some());
    match (network, &host) {
        (Some(target), Host::Name(_)) => {
            let port = of_target(target);
            Ok(Destined::IfAddress(Wanted { host, port }))
        }
        _ => {
            let port = login
                .port
                .map_or_else(String::new, |port| format!(" port {port}"));
            Err(Misdirected::Forbidden {
                server: format!("{host}{port}"),
            })
        }
    }
}

/// Whether a client may go to `address` and `port` by the networks of these targets.
#[must_use]
pub fn permits_address(targets: &[InbandTarget], address: IpAddr, port: u16) -> bool {
    let address = address.to_canonical();
    targets.iter().any(|target| {
        target.port.is_none_or(|wanted| wanted == port)
            && network_of(&target.host).is_some_and(|network| network.contains(&address))
    })
}

/// Whether the targets' own words name this host and port.
pub(crate) fn permits_named(targets: &[InbandTarget], host: &Host, port: u16) -> bool {
    targets
        .iter()
        .any(|target| target.port.is_none_or(|wanted| wanted == port) && names(&target.host, host))
}

/// Whether one of these words means the server: an address or network, a name, or everything in a domain behind `*.`. No word means all.
#[must_use]
pub fn means_server(words: &[String], host: &Host, address: IpAddr) -> bool {
    let address = address.to_canonical();
    let means = |word: &String| {
        names(word, host) || network_of(word).is_some_and(|network| network.contains(&address))
    };
    words.is_empty() || words.iter().any(means)
}

fn network_of(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address)
}

/// Whether the target's own words name the host: an address or network, a name, or everything in a domain behind `*.`.
fn names(target: &str, host: &Host) -> bool {
    match host {
        Host::Address(address) => network_of(target).is_some_and(|network| network.contains(address)),
        Host::Name(name) => match target.strip_prefix("*.") {
            Some(domain) => Host::parse(domain).is_ok_and(|domain| {
                name.strip_suffix(&domain.to_string())
                    .is_some_and(|front| front.len() > 1 && front.ends_with('.'))
            }),
            None => target == "*" || Host::parse(target).is_ok_and(|target| target == *host),
        },
    }
}

/// The address with its host part kept and the network's in front.
fn translated(network: IpNet, original: IpAddr) -> Result<IpAddr, Misdirected> {
    match (network, original) {
        (IpNet::V4(network), IpAddr::V4(address)) => {
            let host = u32::from(address) & u32::from(network.hostmask());
            Ok(Ipv4Addr::from(u32::from(network.network()) | host).into())
        }
        (IpNet::V6(network), IpAddr::V6(address)) => {
            let host = u128::from(address) & u128::from(network.hostmask());
            Ok(Ipv6Addr::from(u128::from(network.network()) | host).into())
        }
        _ => Err(Misdirected::Family { network, original }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGINAL: &str = "192.0.2.10:22";

    fn to(destination: &Destination, name: &str) -> Result<Destined, Misdirected> {
        let login = match destination {
            Destination::Inband { .. } => Login::inband(name),
            _ => Login::plain(name),
        };
        destined(destination, ORIGINAL.parse().unwrap(), &login.unwrap())
    }

    fn there(host: &str, port: u16) -> Result<Destined, Misdirected> {
        Ok(Destined::To(Wanted {
            host: Host::parse(host).unwrap(),
            port,
        }))
    }

    fn targets(list: &[(&str, Option<u16>)]) -> Destination {
        Destination::Inband {
            targets: list
                .iter()
                .map(|(host, port)| InbandTarget {
                    host: (*host).into(),
                    port: *port,
                })
                .collect(),
        }
    }

    #[test]
    fn original_fixed_and_translated() {
        assert_eq!(to(&Destination::Original {}, "root"), there("192.0.2.10", 22));
        let fixed = Destination::Fixed {
            server: "db1.example.com".into(),
            port: 2222,
        };
        assert_eq!(to(&fixed, "root@elsewhere"), there("db1.example.com", 2222));
        let nat = |network: &str| Destination::Nat {
            network: network.parse().unwrap(),
        };
        assert_eq!(to(&nat("10.20.30.0/24"), "root"), there("10.20.30.10", 22));
        assert!(matches!(
            to(&nat("2001:db8::/64"), "root"),
            Err(Misdirected::Family { .. })
        ));
    }

    #[test]
    fn in_band_only_what_the_policy_lets_clients_name() {
        let list = targets(&[
            ("db1.example.com", Some(22)),
            ("*.lab.example.com", None),
            ("10.0.0.0/8", Some(2222)),
            ("2001:db8::22", None),
        ]);
        assert_eq!(to(&list, "root@db1.example.com"), there("db1.example.com", 22));
        assert_eq!(
            to(&list, "root@a.lab.example.com:2022"),
            there("a.lab.example.com", 2022)
        );
        assert_eq!(to(&list, "root@10.1.2.3"), there("10.1.2.3", 2222));
        assert_eq!(to(&list, "root@[2001:db8::22]:23"), there("2001:db8::22", 23));
        assert_eq!(to(&list, "root"), Err(Misdirected::Nowhere));
        for name in ["root@10.1.2.3:22", "root@192.0.2.1", "root@[2001:db8::23]"] {
            assert!(
                matches!(to(&list, name), Err(Misdirected::Forbidden { .. })),
                "{name}"
            );
        }
        // A name that is not listed may have an address that is.
        assert!(matches!(
            to(&list, "root@db2.example.com"),
            Ok(Destined::IfAddress(_))
        ));
        assert!(matches!(
            to(&list, "root@lab.example.com:2222"),
            Ok(Destined::IfAddress(_))
        ));
        let Destination::Inband { targets } = &list else {
            unreachable!()
        };
        assert!(permits_address(targets, "10.1.1.1".parse().unwrap(), 2222));
        assert!(permits_address(targets, "::ffff:10.1.1.1".parse().unwrap(), 2222));
        assert!(!permits_address(targets, "10.1.1.1".parse().unwrap(), 22));
        assert!(!permits_address(targets, "192.0.2.1".parse().unwrap(), 2222));
    }

    #[test]
    fn a_server_is_meant_by_name_or_by_address() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let host = Host::parse("db1.lab.example.com").unwrap();
        let address = "10.1.2.3".parse().unwrap();
        for word in [
            "*.lab.example.com",
            "db1.lab.example.com",
            "10.1.0.0/16",
            "10.1.2.3",
        ] {
            assert!(means_server(&words(&[word]), &host, address), "{word}");
        }
        for word in ["*.example.net", "lab.example.com", "10.2.0.0/16", ""] {
            assert!(!means_server(&words(&[word]), &host, address), "{word}");
        }
        assert!(means_server(&[], &host, address));
    }

    #[test]
    fn a_domain_is_not_its_neighbour() {
        let list = targets(&[("*.lab.example.com", None)]);
        for name in [
            "root@evillab.example.com",
            "root@lab.example.com.evil.net",
            "root@lab.example.com",
        ] {
            assert!(
                matches!(to(&list, name), Err(Misdirected::Forbidden { .. })),
                "{name}"
            );
        }
    }
}
