//! The network as it stands, for page, console and other services.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;
use sps_net_engine::{FALLBACK_ADDRESS, FALLBACK_PREFIX, InterfaceView, Lease, LinkIndex, Problem};

use crate::links::Hardware;

/// All managed interfaces, in their order: place on the bus, then index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NetworkState {
    /// The interfaces.
    pub interfaces: Vec<InterfaceState>,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InterfaceState {
    /// Kernel name.
    pub name: String,
    /// Hardware address, `52:54:00:12:34:56`.
    pub mac: String,
    /// Driver, when sysfs tells.
    pub driver: Option<String>,
    /// Whether the link is up.
    pub carrier: bool,
    /// Speed in Mbit/s, when the driver tells.
    pub speed: Option<u32>,
    /// Addresses with their origin.
    pub addresses: Vec<AddressState>,
    /// Next hop of the default route.
    pub gateway: Option<Ipv4Addr>,
    /// DHCP server that gave the lease.
    pub dhcp_server: Option<Ipv4Addr>,
    /// Name servers.
    pub dns: Vec<Ipv4Addr>,
    /// Domain for short names.
    pub domain: Option<String>,
    /// Time servers.
    pub ntp: Vec<Ipv4Addr>,
    /// What stands in its way, in words.
    pub problem: Option<String>,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddressState {
    /// The address.
    pub address: IpAddr,
    /// Its network's length in bits.
    pub prefix: u8,
    /// Where it comes from.
    pub origin: AddressOrigin,
}

/// Where an address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressOrigin {
    /// A DHCP server's lease.
    Dhcp,
    /// Set by an administrator.
    Static,
    /// The fallback of the first boot.
    Fallback,
    /// The kernel's own IPv6 link-local address.
    LinkLocal,
}

impl NetworkState {
    /// Time servers of all interfaces, each once, in order.
    #[must_use]
    pub fn ntp_servers(&self) -> Vec<Ipv4Addr> {
        unique(
            self.interfaces
                .iter()
                .flat_map(|interface| interface.ntp.iter().copied()),
        )
    }

    /// Name servers of all interfaces, each once, in order.
    #[must_use]
    pub fn dns_servers(&self) -> Vec<Ipv4Addr> {
        unique(
            self.interfaces
                .iter()
                .flat_map(|interface| interface.dns.iter().copied()),
        )
    }

    /// IPv4 addresses under which a person reaches the appliance, in order.
    #[must_use]
    pub fn ipv4_addresses(&self) -> Vec<Ipv4Addr> {
        let all = self.interfaces.iter().flat_map(|interface| &interface.addresses);
        unique(all.filter_map(|address| match address.address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }))
    }
}

fn unique(all: impl Iterator<Item = Ipv4Addr>) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    for address in all {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// What the shell knows beside the engine's view.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) hardware: BTreeMap<LinkIndex, Hardware>,
    pub(crate) link_local: BTreeMap<LinkIndex, Vec<(Ipv6Addr, u8)>>,
}

/// Puts both together.
pub(crate) fn assemble(views: Vec<InterfaceView>, facts: &Facts) -> NetworkState {
    NetworkState {
        interfaces: views.into_iter().map(|view| interface(view, facts)).collect(),
    }
}

fn interface(view: InterfaceView, facts: &Facts) -> InterfaceState {
    let index = view.link.index;
    let addresses = addresses(&view, facts.link_local.get(&index).map_or(&[], Vec::as_slice));
    let lease = view.lease;
    InterfaceState {
        name: view.link.name,
        mac: view.link.mac.to_string(),
        driver: facts
            .hardware
            .get(&index)
            .and_then(|hardware| hardware.driver.clone()),
        carrier: view.link.carrier,
        speed: view.link.speed,
        addresses,
        gateway: lease
            .as_ref()
            .map_or(view.fixed.and_then(|set| set.gateway), Lease::gateway),
        dhcp_server: lease.as_ref().map(|lease| lease.server),
        dns: lease.as_ref().map(|lease| lease.dns.clone()).unwrap_or_default(),
        domain: lease.as_ref().and_then(|lease| lease.domain.clone()),
        ntp: lease.map(|lease| lease.ntp).unwrap_or_default(),
        problem: view.problem.map(words),
    }
}

fn addresses(view: &InterfaceView, link_local: &[(Ipv6Addr, u8)]) -> Vec<AddressState> {
    let state = |address, prefix, origin| AddressState {
        address,
        prefix,
        origin,
    };
    let lease = view
        .lease
        .iter()
        .map(|l| state(l.address.into(), l.prefix, AddressOrigin::Dhcp));
    let fixed = view
        .fixed
        .iter()
        .map(|set| state(set.address.into(), set.prefix, AddressOrigin::Static));
    let fallback = view
        .fallback
        .then(|| state(FALLBACK_ADDRESS.into(), FALLBACK_PREFIX, AddressOrigin::Fallback))
        .into_iter();
    let local = link_local
        .iter()
        .map(|(address, prefix)| state((*address).into(), *prefix, AddressOrigin::LinkLocal));
    lease.chain(fixed).chain(fallback).chain(local).collect()
}

fn words(problem: Problem) -> String {
    match problem {
        Problem::NoCarrier => "no link: check the cable and the switch port".to_owned(),
        Problem::NoServer => "no DHCP server answers".to_owned(),
        Problem::LeaseConflict(owner) => {
            format!("the leased address is in use by {owner}; another is being asked for")
        }
        Problem::StaticConflict(address, owner) => {
            format!(
                "{address} is in use by {owner}: take it off that host, or set another; it is tried again every minute"
            )
        }
        Problem::FallbackConflict(owner) => {
            format!("no DHCP server answers, and {FALLBACK_ADDRESS} is in use by {owner}")
        }
    }
}
