//! Kernel parameters the network needs. A missing one is said and lived without.

use std::path::Path;

use tracing::warn;

/// Path below `/proc/sys/net`, value, reason.
const PARAMETERS: &[(&str, &str, &str)] = &[
    // Each card speaks only for its own addresses: else two cards on one network answer for each other, and a
    // probe takes the other card for a stranger.
    (
        "ipv4/conf/all/arp_ignore",
        "1",
        "answer ARP only for the interface's own addresses",
    ),
    (
        "ipv4/conf/all/arp_announce",
        "2",
        "ask ARP only from the interface's own addresses",
    ),
    // A new address of the same network stands as a secondary one until the old one goes, and must not go with it.
    (
        "ipv4/conf/all/promote_secondaries",
        "1",
        "keep the new address when the old one goes",
    ),
    (
        "ipv6/conf/all/accept_ra",
        "0",
        "no IPv6 routers before the network is configured",
    ),
    (
        "ipv6/conf/default/accept_ra",
        "0",
        "no IPv6 routers before the network is configured",
    ),
];

/// Sets them all.
pub(crate) fn apply(root: &Path) {
    for (path, value, reason) in PARAMETERS {
        set(&root.join(path), value, reason);
    }
}

/// What `conf/all` does not reach on interfaces that exist already.
pub(crate) fn apply_to(root: &Path, interface: &str) {
    let path = root.join("ipv6/conf").join(interface).join("accept_ra");
    set(&path, "0", "no IPv6 routers before the network is configured");
}

fn set(path: &Path, value: &str, reason: &str) {
    if let Err(error) = std::fs::write(path, value) {
        warn!(
            "kernel parameter {} could not be set to {value} ({reason}): {error}",
            path.display()
        );
    }
}
