//! The kernel's network configuration over rtnetlink(7).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::TryStreamExt;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::route::{RouteMessage, RouteProtocol};
use rtnetlink::{Error, Handle, LinkUnspec, RouteMessageBuilder};
use sps_net_engine::{Assignment, LinkIndex, Origin, Route};

/// Metric of an interface's static routes. The index is added, to keep interfaces apart.
const METRIC_STATIC: u32 = 100;
/// Metric of an interface's other routes: behind every static one, as no machine has so many interfaces; with the
/// index added, the default route of the first card wins.
const METRIC_LEASED: u32 = 65_536;

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

    /// Puts an address and its routes on an interface, or makes those that are there what they should be.
    ///
    /// # Errors
    /// Each with what it was about; the rest is done all the same.
    pub(crate) async fn install(&self, index: LinkIndex, new: &Assignment) -> Vec<(Object, Error)> {
        let mut refused = Vec::new();
        if let Err(error) = self.add_address(index, new.address, new.prefix).await {
            refused.push((Object::Address(new.address), error));
        }
        for route in &new.routes {
            let message = message(index, new, route);
            if let Err(error) = self.handle.route().add(message).replace().execute().await {
                refused.push((Object::Route(*route), error));
            }
        }
        refused
    }

    async fn add_address(&self, index: LinkIndex, address: Ipv4Addr, prefix: u8) -> Result<(), Error> {
        let mut request = self
            .handle
            .address()
            .add(index, IpAddr::V4(address), prefix)
            .replace();
        request
            .message_mut()
            .attributes
            .push(AddressAttribute::RoutePriority(METRIC_LEASED + index));
        request.execute().await
    }

    /// Takes routes off. One that is gone, or was replaced by another gateway's, is fine.
    ///
    /// # Errors
    /// As [`Netlink::install`].
    pub(crate) async fn remove_routes(&self, index: LinkIndex, old: &Assignment) -> Vec<(Object, Error)> {
        let mut refused = Vec::new();
        for route in &old.routes {
            let message = message(index, old, route);
            match self.handle.route().del(message).execute().await {
                Err(error) if !is_absent(&error) => refused.push((Object::Route(*route), error)),
                _ => {}
            }
        }
        refused
    }

    /// Takes an address and its routes off; the same address with another prefix stays.
    ///
    /// # Errors
    /// As [`Netlink::install`].
    pub(crate) async fn withdraw(&self, index: LinkIndex, old: &Assignment) -> Vec<(Object, Error)> {
        let mut refused = self.remove_routes(index, old).await;
        if let Err(error) = self.remove_address(index, old.address, old.prefix).await {
            refused.push((Object::Address(old.address), error));
        }
        refused
    }

    async fn remove_address(&self, index: LinkIndex, address: Ipv4Addr, prefix: u8) -> Result<(), Error> {
        for message in self.addresses().await? {
            let here = message.header.index == index && message.header.prefix_len == prefix;
            if here && local_v4(&message) == Some(address) {
                self.remove(message).await?;
            }
        }
        Ok(())
    }
}

/// What the kernel refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Object {
    /// An address.
    Address(Ipv4Addr),
    /// A route.
    Route(Route),
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "address {address}"),
            Self::Route(route) => write!(f, "route to {}/{}", route.destination, route.prefix),
        }
    }
}

/// `ESRCH`: there is no such route.
fn is_absent(error: &Error) -> bool {
    let absent = rustix::io::Errno::SRCH.raw_os_error();
    matches!(error, Error::NetlinkError(message) if message.raw_code() == -absent)
}

fn message(index: LinkIndex, of: &Assignment, route: &Route) -> RouteMessage {
    let (metric, protocol) = match of.origin {
        Origin::Static => (METRIC_STATIC, RouteProtocol::Static),
        Origin::Dhcp | Origin::Fallback => (METRIC_LEASED, RouteProtocol::Dhcp),
    };
    let mut builder = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(route.destination, route.prefix)
        .output_interface(index)
        .priority(metric + index)
        .pref_source(of.address)
        .protocol(protocol);
    match route.via {
        Some(via) => {
            builder = builder.gateway(via);
            if !on_link(of, via) {
                // Clouds hand out /32 addresses with a gateway beyond: it is on the link all the same.
                builder = builder.onlink();
            }
        }
        None => builder = builder.scope(netlink_packet_route::route::RouteScope::Link),
    }
    builder.build()
}

fn on_link(of: &Assignment, via: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(of.prefix)).unwrap_or(0);
    u32::from(via) & mask == u32::from(of.address) & mask
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
