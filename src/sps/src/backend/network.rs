//! The network: what is set and what is.

use std::net::IpAddr;

use sps_admin::{Context, InterfaceStatus, NetworkChange, NetworkStatus, Reply, Response};
use sps_net::{AddressOrigin, InterfaceState};

use super::appliance::Appliance;

/// Settings and state.
pub(super) fn show(own: &Appliance) -> NetworkStatus {
    NetworkStatus {
        settings: own.parts.settings.node().network,
        interfaces: interfaces(own),
    }
}

/// The interfaces as they stand.
pub(super) fn interfaces(own: &Appliance) -> Vec<InterfaceStatus> {
    own.parts
        .network
        .borrow()
        .interfaces
        .iter()
        .map(interface)
        .collect()
}

/// Changes what is named; the configuration's own checks judge it.
pub(super) async fn set(own: &Appliance, change: NetworkChange, context: &Context) -> Reply {
    let edit = move |node: &mut sps_config::Node| node.network = change.apply(&node.network);
    own.parts.settings.change(context, edit).await?;
    Ok(Response::Network(show(own)))
}

fn interface(state: &InterfaceState) -> InterfaceStatus {
    let origin = |origin| match origin {
        AddressOrigin::Dhcp => "dhcp",
        AddressOrigin::Fallback => "fallback",
        AddressOrigin::Static => "static",
        AddressOrigin::LinkLocal => "link local",
    };
    let address = |a: &sps_net::AddressState| format!("{}/{} ({})", a.address, a.prefix, origin(a.origin));
    InterfaceStatus {
        name: state.name.clone(),
        mac: state.mac.clone(),
        driver: state.driver.clone(),
        carrier: state.carrier,
        speed: state.speed,
        addresses: state.addresses.iter().map(address).collect(),
        gateway: state.gateway.map(IpAddr::from),
        dns: state.dns.iter().copied().map(IpAddr::from).collect(),
        problem: state.problem.clone(),
    }
}
