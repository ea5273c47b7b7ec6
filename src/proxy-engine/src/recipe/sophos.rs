//! Sophos UTM: policy routes, typed into its pages.

use std::fmt::Write as _;

use super::{Routing, each};

pub(super) fn recipe(routing: &Routing) -> String {
    let mut text = String::from(
        "Under Definitions & Users > Network Definitions make a host for the appliance and a network for each of the servers' networks; under\n\
         Definitions & Users > Service Definitions make a TCP service for each port where there is none. Then, under Interfaces & Routing >\n\
         Static Routing > Policy Routes, make these and switch them on:\n",
    );
    let mut number = 0;
    for (network, port) in each(routing) {
        number += 1;
        let name = format!("clients to {network} port {port}");
        let way = [
            ("Source interface", routing.clients.as_str()),
            ("Source network", "Any"),
            (
                "Service",
                &format!("TCP, source port 1:65535, destination port {port}"),
            ),
            ("Destination network", &network.to_string()),
        ];
        policy(&mut text, number, &name, &way, routing);
    }
    if routing.original_source {
        text.push_str("\nServers answer to the client's address; these policy routes bring their answers to the appliance:\n");
        for (network, port) in each(routing) {
            number += 1;
            let name = format!("answers of {network} port {port}");
            let way = [
                ("Source interface", routing.servers.as_str()),
                ("Source network", &network.to_string()),
                (
                    "Service",
                    &format!("TCP, source port {port}, destination port 1:65535"),
                ),
                ("Destination network", "Any"),
            ];
            policy(&mut text, number, &name, &way, routing);
        }
    }
    // Writing to a string cannot fail.
    let _written = write!(
        text,
        "\nUnder Network Protection > Firewall let the same connections through, from the clients and from {}. Under Network Protection >\n\
         Firewall > Advanced switch Spoof protection off, or to Normal: the appliance, on {}, sends packets with the addresses of servers and\n\
         clients.\n",
        routing.appliance, routing.interface
    );
    text
}

fn policy(text: &mut String, number: usize, name: &str, way: &[(&str, &str); 4], routing: &Routing) {
    let _written = write!(
        text,
        "\n{number}. {name}\n   {:<20} Gateway route\n",
        "Route type"
    );
    for (field, value) in way {
        let _written = writeln!(text, "   {field:<20} {value}");
    }
    let _written = writeln!(text, "   {:<20} {}", "Gateway", routing.appliance);
}
