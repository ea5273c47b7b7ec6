//! The kernel's network configuration over rtnetlink(7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::TryStreamExt;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::route::{RouteMessage, RouteProtocol};
use rtnetlink::{Error, Handle, LinkUnspec, RouteMessageBuilder};
use sps_net_engine::{Lease, LinkIndex, Route};

/// Metric of an interface's routes: the base leaves room for preferred ones, the index keeps them apart, so the
/// default route of the first card wins.
const METRIC_BASE: u32 = 100;

/// Index of the loopback interface in every network namespace (`LOOPBACK_IFINDEX`, include/net/flow.h).
const LOOPBACK: LinkIndex = 1;

/// Commands to the kernel.
#[derive(Clone, Debug)]
pub(crate) struct Netlink {
    handle: Handle,
}

impl Netlink {
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle }
    }

    pub(crate) async fn links(&self) -> Result<Vec<LinkMessage>, Error> {
        self.handle.link().get().execute().try_collect().await
    }

    pub(crate) async fn addresses(&self) -> Result<Vec<AddressMessage>, Error> {
        self.handle.address().get().execute().try_collect().await
    }

    pub(crate) async fn remove(&self, address: AddressMessage) -> Result<(), Error> {
        self.handle.address().del(address).execute().await
    }

    pub(crate) async fn bring_up(&self, index: LinkIndex) -> Result<(), Error> {
        self.handle
            .link()
            .set(LinkUnspec::new_with_index(index).up().build())
            .execute()
            .await
    }

    pub(crate) async fn bring_loopback_up(&self) -> Result<(), Error> {
        self.bring_up(LOOPBACK).await
    }

    pub(crate) async fn add_address(
        &self,
        index: LinkIndex,
        address: Ipv4Addr,
        prefix: u8,
    ) -> Result<(), Error> {
        let mut request = self
            .handle
            .address()
            .add(index, IpAddr::V4(address), prefix)
            .replace();
        request
            .message_mut()
            .attributes
            .push(AddressAttribute::RoutePriority(METRIC_BASE + index));
        request.execute().await
    }

    /// Takes the address off; the kernel removes the routes that use it as their source with it.
    pub(crate) async fn remove_address(&self, index: LinkIndex, address: Ipv4Addr) -> Result<(), Error> {
        for message in self.addresses().await? {
            if message.header.index == index && local_v4(&message) == Some(address) {
                self.remove(message).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn add_route(
        &self,
        index: LinkIndex,
        lease: &Lease,
        route: &Route,
    ) -> Result<(), Error> {
        self.handle
            .route()
            .add(message(index, lease, route))
            .replace()
            .execute()
            .await
    }

    pub(crate) async fn remove_route(
        &self,
        index: LinkIndex,
        lease: &Lease,
        route: &Route,
    ) -> Result<(), Error> {
        self.handle
            .route()
            .del(message(index, lease, route))
            .execute()
            .await
    }
}

fn message(index: LinkIndex, lease: &Lease, route: &Route) -> RouteMessage {
    let mut builder = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(route.destination, route.prefix)
        .output_interface(index)
        .priority(METRIC_BASE + index)
        .pref_source(lease.address)
        .protocol(RouteProtocol::Dhcp);
    match route.via {
        Some(via) => {
            builder = builder.gateway(via);
            if !on_link(lease, via) {
                // Clouds hand out /32 addresses with a gateway beyond: it is on the link all the same.
                builder = builder.onlink();
            }
        }
        None => builder = builder.scope(netlink_packet_route::route::RouteScope::Link),
    }
    builder.build()
}

fn on_link(lease: &Lease, via: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(lease.prefix)).unwrap_or(0);
    u32::from(via) & mask == u32::from(lease.address) & mask
}

/// The IPv4 address of a message.
pub(crate) fn local_v4(message: &AddressMessage) -> Option<Ipv4Addr> {
    message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(IpAddr::V4(address)) => Some(*address),
        _ => None,
    })
}

/// The IPv6 link-local address of a message.
pub(crate) fn link_local(message: &AddressMessage) -> Option<(Ipv6Addr, u8)> {
    if message.header.family != AddressFamily::Inet6 {
        return None;
    }
    let address = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Address(IpAddr::V6(address)) => Some(*address),
        _ => None,
    })?;
    address
        .is_unicast_link_local()
        .then_some((address, message.header.prefix_len))
}
