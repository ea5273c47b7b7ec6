//! Linux: connections are marked, and what is marked has a table of routes of its own.

use std::fmt::Write as _;

use super::{MARK, Routing, TABLE, TABLE_NUMBER, each};

pub(super) fn recipe(routing: &Routing) -> String {
    let Routing {
        appliance,
        interface,
        clients,
        servers,
        original_source,
        ..
    } = routing;
    let four = appliance.is_ipv4();
    let (tables, family) = if four {
        ("iptables", "-4")
    } else {
        ("ip6tables", "-6")
    };
    let marked = format!("-j CONNMARK --set-mark {MARK}");
    let mut text = String::from("set -eu\n# Connections of clients with the servers are marked.\n");
    // Writing to a string cannot fail.
    for (network, port) in each(routing) {
        let _written = writeln!(
            text,
            "{tables} -t mangle -I PREROUTING -i {clients} -p tcp -d {network} --dport {port} {marked}"
        );
    }
    if *original_source {
        text.push_str("# So are connections of the appliance with the servers, as these answer to the client's address.\n");
        for (network, port) in each(routing) {
            let _written = writeln!(
                text,
                "{tables} -t mangle -I PREROUTING -i {servers} -p tcp -s {network} --sport {port} {marked}"
            );
        }
    }
    let _written = write!(
        text,
        "# Packets of marked connections are marked, unless they come from the appliance. This rule must be behind those above.\n\
         {tables} -t mangle -A PREROUTING ! -i {interface} -m connmark --mark {MARK} -j MARK --set-mark {MARK}\n\
         # What is marked goes to the appliance.\n\
         grep -q '^{TABLE_NUMBER}[[:space:]]' /etc/iproute2/rt_tables || echo '{TABLE_NUMBER} {TABLE}' >> /etc/iproute2/rt_tables\n\
         ip {family} route add default via {appliance} dev {interface} table {TABLE}\n\
         ip {family} rule add from all fwmark {MARK} table {TABLE}\n"
    );
    if four {
        let _written = write!(
            text,
            "# The appliance sends packets with the addresses of servers and clients: they are no forgery.\n\
             echo 0 > /proc/sys/net/ipv4/conf/{interface}/rp_filter\n\
             echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter\n"
        );
    }
    text
}
