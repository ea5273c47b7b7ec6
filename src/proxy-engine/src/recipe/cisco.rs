//! Cisco IOS: policy-based routing.

use std::fmt::Write as _;

use ipnet::IpNet;

use super::{Routing, each};

pub(super) fn recipe(routing: &Routing) -> String {
    let mut text = String::from("! Connections of clients with the servers go to the appliance.\n");
    route(&mut text, routing, "SPS-CLIENTS", &routing.clients, true);
    if routing.original_source {
        text.push_str("! So do answers of the servers, as these answer to the client's address.\n");
        route(&mut text, routing, "SPS-SERVERS", &routing.servers, false);
    }
    let verify = if routing.appliance.is_ipv4() {
        "no ip verify unicast source reachable-via rx"
    } else {
        "no ipv6 verify unicast source reachable-via rx"
    };
    // Writing to a string cannot fail.
    let _written = write!(
        text,
        "! The appliance sends packets with the addresses of servers and clients: they are no forgery.\n\
         interface {}\n {verify}\n!\nend\n",
        routing.interface
    );
    text
}

/// An access list of what is meant, a map that leads it to the appliance, and the interface on which it comes.
fn route(text: &mut String, routing: &Routing, name: &str, interface: &str, towards_servers: bool) {
    let (list, word) = if routing.appliance.is_ipv4() {
        (format!("ip access-list extended {name}"), "ip")
    } else {
        (format!("ipv6 access-list {name}"), "ipv6")
    };
    let _written = writeln!(text, "{list}");
    for (network, port) in each(routing) {
        let servers = matched(network);
        let _written = if towards_servers {
            writeln!(text, " permit tcp any {servers} eq {port}")
        } else {
            writeln!(text, " permit tcp {servers} eq {port} any")
        };
    }
    let _written = write!(
        text,
        "!\nroute-map {name} permit 10\n match {word} address {name}\n set {word} next-hop {}\n!\ninterface {interface}\n {word} policy route-map {name}\n!\n",
        routing.appliance
    );
}

/// A network as access lists name it: IPv4 with the bits that do not count.
fn matched(network: IpNet) -> String {
    match network {
        IpNet::V4(four) if four.prefix_len() == 32 => format!("host {}", four.addr()),
        IpNet::V4(four) => format!("{} {}", four.network(), four.hostmask()),
        IpNet::V6(six) => six.to_string(),
    }
}
