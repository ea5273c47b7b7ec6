//! How a router is told to send connections to the appliance instead of their servers (transparent mode): commands for the person who looks
//! after it.
//!
//! What is said for Linux is run word by word by a test (`src/proxy-ssh/tests/transparent.rs`). Everything that goes into a command is checked
//! here: it cannot become another command.

mod cisco;
mod linux;
mod sophos;

use std::net::IpAddr;

use ipnet::IpNet;
use thiserror::Error;

/// The mark of connections that go to the appliance, and the table of routes that leads them there.
const MARK: u32 = 1;
const TABLE: &str = "scb";
const TABLE_NUMBER: u32 = 103;
/// Longest name of an interface that is taken.
const LONGEST: usize = 40;
/// Networks and ports that are taken: a page for a person to read.
const MOST: usize = 32;

/// A kind of router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Router {
    /// Linux with `iptables` and `ip`.
    Linux,
    /// Cisco IOS.
    Cisco,
    /// Sophos UTM.
    Sophos,
}

/// What is so of the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// Address of the appliance.
    pub appliance: IpAddr,
    /// Interface of the router that faces the appliance.
    pub interface: String,
    /// Interface that faces the clients.
    pub clients: String,
    /// Interface that faces the servers.
    pub servers: String,
    /// Networks of the servers, of the appliance's address family.
    pub networks: Vec<IpNet>,
    /// TCP ports of the servers.
    pub ports: Vec<u16>,
    /// Whether servers see the client's address: their answers must then come to the appliance too.
    pub original_source: bool,
}

/// Why there is no recipe.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RecipeError {
    /// An interface that none can be.
    #[error(
        "{name:?} is no name of an interface: give up to {LONGEST} letters, digits, dots, slashes, colons, underscores and hyphens"
    )]
    Interface {
        /// What was given.
        name: String,
    },
    /// Two interfaces are one.
    #[error(
        "the interface {name} faces the appliance and clients or servers: what comes from the appliance could not be told from the rest; \
         connect the appliance to an interface of its own"
    )]
    Shared {
        /// Its name.
        name: String,
    },
    /// Address families do not fit.
    #[error(
        "the appliance is {appliance}, but {network} is of the other address family: make a recipe for each family"
    )]
    Family {
        /// Address of the appliance.
        appliance: IpAddr,
        /// The network.
        network: IpNet,
    },
    /// Nothing to redirect, or too much.
    #[error("give one to {MOST} networks of servers, and one to {MOST} ports")]
    Number,
}

/// The recipe.
///
/// # Errors
/// What is given cannot be so.
pub fn recipe(router: Router, routing: &Routing) -> Result<String, RecipeError> {
    check(routing)?;
    Ok(match router {
        Router::Linux => linux::recipe(routing),
        Router::Cisco => cisco::recipe(routing),
        Router::Sophos => sophos::recipe(routing),
    })
}

fn check(routing: &Routing) -> Result<(), RecipeError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/:-".contains(&byte);
    for name in [&routing.interface, &routing.clients, &routing.servers] {
        let fits = (1..=LONGEST).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-');
        if !fits {
            return Err(RecipeError::Interface { name: name.clone() });
        }
    }
    if [&routing.clients, &routing.servers].contains(&&routing.interface) {
        return Err(RecipeError::Shared {
            name: routing.interface.clone(),
        });
    }
    let number = |length| (1..=MOST).contains(&length);
    if !number(routing.networks.len()) || !number(routing.ports.len()) {
        return Err(RecipeError::Number);
    }
    let other = |network: &&IpNet| network.addr().is_ipv4() != routing.appliance.is_ipv4();
    match routing.networks.iter().find(other) {
        Some(network) => Err(RecipeError::Family {
            appliance: routing.appliance,
            network: *network,
        }),
        None => Ok(()),
    }
}

/// Every network with every port.
fn each(routing: &Routing) -> impl Iterator<Item = (IpNet, u16)> {
    let networks = routing.networks.iter().map(IpNet::trunc);
    networks.flat_map(|network| routing.ports.iter().map(move |port| (network, *port)))
}

/// The documentation: the whole text of `ROUTING.md`.
#[cfg(test)]
fn markdown() -> String {
    let example = Routing {
        appliance: IpAddr::V4([192, 0, 2, 10].into()),
        interface: "eth2".into(),
        clients: "eth0".into(),
        servers: "eth1".into(),
        networks: vec![IpNet::V4(ipnet::Ipv4Net::new_assert([10, 0, 0, 0].into(), 24))],
        ports: vec![22],
        original_source: true,
    };
    let mut text = String::from(
        "# Transparent mode: what the router must be told\n\n\
        Made by `sps routing-recipe`; a test compares them, and another one runs what is said for Linux, word by word, on a router of its own.\n\n\
        In transparent mode people connect to their servers as ever. The router between them sends these connections to the appliance, \
        whose connection\npolicy has the target *Use original target address of the client* and names the servers under *To*. The router needs an \
        interface of its own for the\nappliance. Here it faces clients with `eth0`, servers with `eth1` and the appliance, 192.0.2.10, with `eth2`; \
        servers are in 10.0.0.0/24.\nFor IPv6 give the appliance's IPv6 address and the servers' networks; the recipe then has the commands of IPv6.\n\n\
        With *Use original IP address of the client* (`--original-source`) servers see the client's address, and their answers must come to the \
        appliance too.\n",
    );
    for (title, word, router, language) in [
        ("Linux", "linux", Router::Linux, "sh"),
        ("Cisco IOS", "cisco", Router::Cisco, "text"),
        ("Sophos UTM", "sophos", Router::Sophos, "text"),
    ] {
        let made = recipe(router, &example).unwrap_or_default();
        text.push_str(&format!(
            "\n## {title}\n\n```\nsps routing-recipe {word} --appliance 192.0.2.10 --interface eth2 --clients eth0 --servers eth1 --network 10.0.0.0/24 \
             --original-source\n```\n\n```{language}\n{made}```\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routing(appliance: &str, networks: &[&str], original_source: bool) -> Routing {
        Routing {
            appliance: appliance.parse().unwrap(),
            interface: "eth2".into(),
            clients: "eth0".into(),
            servers: "eth1".into(),
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            ports: vec![22, 2222],
            original_source,
        }
    }

    #[test]
    fn the_recipes() {
        let four = routing("192.0.2.10", &["10.0.0.0/24", "10.7.7.7/16"], true);
        let six = routing("2001:db8::10", &["2001:db8:1::/48"], false);
        for (word, router) in [
            ("linux", Router::Linux),
            ("cisco", Router::Cisco),
            ("sophos", Router::Sophos),
        ] {
            insta::assert_snapshot!(format!("{word}-4"), recipe(router, &four).unwrap());
            insta::assert_snapshot!(format!("{word}-6"), recipe(router, &six).unwrap());
        }
    }

    #[test]
    fn the_documentation_is_current() {
        let made = markdown();
        assert!(
            include_str!("../ROUTING.md") == made,
            "ROUTING.md is not what the recipes say; it must be:\n\n{made}"
        );
    }

    #[test]
    fn nothing_that_is_given_becomes_another_command() {
        let good = routing("192.0.2.10", &["10.0.0.0/24"], true);
        for name in [
            "",
            "eth0; reboot",
            "eth0\nreboot",
            "$(reboot)",
            "-A",
            "a b",
            &"e".repeat(41),
        ] {
            let bad = Routing {
                clients: name.into(),
                ..good.clone()
            };
            assert!(
                matches!(recipe(Router::Linux, &bad), Err(RecipeError::Interface { .. })),
                "{name}"
            );
        }
        let shared = Routing {
            servers: "eth2".into(),
            ..good.clone()
        };
        assert!(matches!(
            recipe(Router::Cisco, &shared),
            Err(RecipeError::Shared { .. })
        ));
        let none = Routing {
            ports: Vec::new(),
            ..good
        };
        assert_eq!(recipe(Router::Sophos, &none), Err(RecipeError::Number));
        let mixed = routing("192.0.2.10", &["2001:db8::/32"], true);
        assert!(matches!(
            recipe(Router::Linux, &mixed),
            Err(RecipeError::Family { .. })
        ));
    }
}
