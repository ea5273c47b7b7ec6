//! The connection policy a client gets: the first that fits in client, address and port (SPS's order of evaluation).

use std::net::IpAddr;

use ipnet::IpNet;
use sps_cluster_config::sections::connections::{Destination, Source, SshConnection};

/// How a client came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// Its address.
    pub from: IpAddr,
    /// The address it connected to: the appliance's, or in transparent mode the server's.
    pub to: IpAddr,
    /// The port it connected to.
    pub port: u16,
}

/// The policy for a client; none when nobody lets it in. Policies that are switched off are passed over.
#[must_use]
pub fn choose(connections: &[SshConnection], came: Came) -> Option<&SshConnection> {
    connections.iter().find(|connection| {
        connection.enabled
            && connection.port == came.port
            && connection.from.iter().any(|network| network.contains(&came.from))
            && connection.to.iter().any(|network| network.contains(&came.to))
    })
}

/// Connections to other machines that these policies take up when a router sends them to the appliance (transparent mode): networks and
/// TCP ports, each once.
#[must_use]
pub fn diverted(connections: &[SshConnection]) -> Vec<(IpNet, u16)> {
    let transparent = connections.iter().filter(|connection| {
        let original = matches!(
            connection.destination,
            Destination::Original {} | Destination::Nat { .. }
        );
        connection.enabled && original
    });
    let mut all: Vec<(IpNet, u16)> = transparent
        .flat_map(|connection| connection.to.iter().map(|to| (to.trunc(), connection.port)))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether servers see the client's address by any of these policies.
#[must_use]
pub fn shows_clients(connections: &[SshConnection]) -> bool {
    connections
        .iter()
        .any(|connection| connection.enabled && connection.source == Source::Client {})
}

#[cfg(test)]
pub(crate) mod tests {
    use sps_cluster_config::sections::connections::HostKeys;

    use super::*;

    pub(crate) fn connection(name: &str, from: &str, to: &str, port: u16) -> SshConnection {
        SshConnection {
            name: name.into(),
            enabled: true,
            from: vec![from.parse().unwrap()],
            to: vec![to.parse().unwrap()],
            port,
            destination: Destination::Original {},
            channel_policy: "all".into(),
            authentication_policy: "base".into(),
            settings: "base".into(),
            audit_policy: None,
            host_keys: HostKeys::default(),
            ..SshConnection::default()
        }
    }

    #[test]
    fn only_what_goes_where_the_client_wanted_is_taken_up() {
        let fixed = SshConnection {
            destination: Destination::Fixed {
                server: "db.example.net".into(),
                port: 22,
            },
            source: Source::Client {},
            ..connection("fixed", "10.0.0.0/8", "192.0.2.10/32", 2222)
        };
        let translated = SshConnection {
            destination: Destination::Nat {
                network: "10.9.0.0/16".parse().unwrap(),
            },
            ..connection("translated", "10.0.0.0/8", "198.51.100.0/24", 22)
        };
        let off = SshConnection {
            enabled: false,
            source: Source::Client {},
            ..connection("off", "10.0.0.0/8", "203.0.113.0/24", 22)
        };
        let servers = connection("servers", "10.1.0.0/16", "10.20.1.7/16", 22);
        let again = connection("again", "10.2.0.0/16", "10.20.0.0/16", 22);
        let all = [servers, translated, off.clone(), again, fixed.clone()];
        let network = |text: &str| text.parse::<IpNet>().unwrap();
        assert_eq!(
            diverted(&all),
            [(network("10.20.0.0/16"), 22), (network("198.51.100.0/24"), 22)]
        );
        assert!(shows_clients(&all) && shows_clients(&[fixed]) && !shows_clients(&[off]));
    }

    fn came(from: &str, to: &str, port: u16) -> Came {
        Came {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            port,
        }
    }

    #[test]
    fn the_first_that_fits_in_everything_is_taken() {
        let connections = [
            SshConnection {
                enabled: false,
                ..connection("off", "0.0.0.0/0", "0.0.0.0/0", 22)
            },
            connection("office", "10.1.0.0/16", "192.0.2.10/32", 22),
            connection("others", "0.0.0.0/0", "192.0.2.0/24", 22),
            connection("later", "10.1.0.0/16", "192.0.2.10/32", 22),
            connection("six", "2001:db8::/32", "2001:db8:1::/48", 22),
        ];
        let name = |came| choose(&connections, came).map(|connection| connection.name.as_str());
        assert_eq!(name(came("10.1.2.3", "192.0.2.10", 22)), Some("office"));
        assert_eq!(name(came("10.1.2.3", "192.0.2.11", 22)), Some("others"));
        assert_eq!(name(came("10.2.2.3", "192.0.2.10", 22)), Some("others"));
        assert_eq!(name(came("10.1.2.3", "192.0.2.10", 2222)), None);
        assert_eq!(name(came("10.1.2.3", "198.51.100.1", 22)), None);
        assert_eq!(name(came("2001:db8::9", "2001:db8:1::22", 22)), Some("six"));
    }
}
