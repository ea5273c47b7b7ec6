//! The network in words.

use super::{clean, indented, pairs};
use crate::network::{InterfaceStatus, NetworkStatus, addressing};

/// Settings and state.
#[must_use]
pub fn network(network: &NetworkStatus) -> String {
    let settings = &network.settings;
    let servers: Vec<_> = settings.dns.iter().map(ToString::to_string).collect();
    let by_dhcp = || "by DHCP".to_owned();
    let mut text = pairs(&[
        ("Host name", settings.host_name.clone()),
        ("Domain", settings.domain.clone().unwrap_or_else(by_dhcp)),
        (
            "Name servers",
            if servers.is_empty() {
                by_dhcp()
            } else {
                servers.join(", ")
            },
        ),
    ]);
    text.push('\n');
    let set = |name: &str| {
        settings
            .interfaces
            .get(name)
            .map_or_else(by_dhcp, |set| addressing(&set.ipv4))
    };
    for interface in &network.interfaces {
        let set = format!("set: {}", set(&interface.name));
        text += &block(interface, Some(set));
    }
    let absent = settings
        .interfaces
        .keys()
        .filter(|name| !network.interfaces.iter().any(|i| &i.name == *name));
    for name in absent {
        text += &clean(&format!("{name}: set, but the machine has no such interface"));
        text.push('\n');
    }
    text
}

/// Interfaces without settings, for the status.
pub(super) fn interfaces(interfaces: &[InterfaceStatus]) -> String {
    interfaces
        .iter()
        .map(|interface| block(interface, None))
        .collect()
}

/// One interface: a line of its own, then what belongs to it.
fn block(interface: &InterfaceStatus, set: Option<String>) -> String {
    let mut lines: Vec<String> = set.into_iter().collect();
    lines.extend(interface.addresses.iter().cloned());
    if interface.addresses.is_empty() {
        lines.push("no address".into());
    }
    lines.extend(interface.gateway.map(|gateway| format!("gateway {gateway}")));
    lines.extend(interface.problem.clone());
    let head = format!(
        "{:<8}{}, {}\n",
        clean(&interface.name),
        link(interface),
        clean(&interface.mac)
    );
    head + &indented(&lines)
}

fn link(interface: &InterfaceStatus) -> String {
    match (interface.carrier, interface.speed) {
        (false, _) => "down".into(),
        (true, None) => "up".into(),
        (true, Some(speed)) => format!("up, {speed} Mbit/s"),
    }
}
