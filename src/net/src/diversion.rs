//! The way of packets that belong to the appliance although another's address stands in them: the packet filter marks them
//! ([`FOREIGN_MARK`]), a routing rule leads what is marked to a table of its own, and there every address is local.
//!
//! Invariant: nothing that is not marked goes another way than before; [`set`] may be repeated, and what an earlier process left counts as
//! done or is taken away.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{RouteMessage, RouteProtocol, RouteScope, RouteType};
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use rtnetlink::{Error, Handle, RouteMessageBuilder};
use rustix::io::Errno;
use sps_net_engine::FOREIGN_MARK;
use thiserror::Error as ThisError;

/// The table where every address is local; nothing else of the appliance has one of this number.
const TABLE: u32 = 100;
/// Place of the rule among the others: before the main table (32766).
const PRIORITY: u32 = 100;
/// Index of the loopback interface in every network namespace (`LOOPBACK_IFINDEX`, include/net/flow.h).
const LOOPBACK: u32 = 1;

/// Why packets do not find their way.
#[derive(Debug, ThisError)]
pub enum DiversionError {
    /// No socket.
    #[error("netlink socket could not be opened: the process needs CAP_NET_ADMIN")]
    Netlink(#[source] std::io::Error),
    /// The kernel refused something.
    #[error(
        "kernel did not {what}: connections in transparent mode do not arrive, and servers that see the client's address do not answer; \
         the kernel needs policy routing (CONFIG_IP_MULTIPLE_TABLES, CONFIG_IPV6_MULTIPLE_TABLES)"
    )]
    Refused {
        /// What it should have done.
        what: String,
        /// Its reason.
        source: Box<Error>,
    },
}

#[derive(Clone, Copy, Debug)]
enum Family {
    V4,
    V6,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// Leads marked packets to the appliance's sockets, or no more.
///
/// # Errors
/// The kernel refused something; the rest is done all the same.
pub async fn set(on: bool) -> Result<(), DiversionError> {
    let (connection, handle, _messages) = rtnetlink::new_connection().map_err(DiversionError::Netlink)?;
    let connection = tokio::spawn(connection);
    let mut all = Ok(());
    for family in [Family::V4, Family::V6] {
        let done = if on {
            lead(&handle, family).await
        } else {
            give_up(&handle, family).await
        };
        all = all.and(done);
    }
    connection.abort();
    all
}

/// The route first: a rule that leads to an empty table would lead on to the next one.
async fn lead(handle: &Handle, family: Family) -> Result<(), DiversionError> {
    let route = handle.route().add(route(family)).replace().execute().await;
    refused(route, Errno::EXIST, || {
        format!("take the {family} route of table {TABLE}")
    })?;
    let mut request = handle.rule().add();
    *request.message_mut() = rule(family);
    refused(request.execute().await, Errno::EXIST, || {
        format!("take the {family} rule for marked packets")
    })
}

async fn give_up(handle: &Handle, family: Family) -> Result<(), DiversionError> {
    let rule = handle.rule().del(rule(family)).execute().await;
    let rule = refused(rule, Errno::NOENT, || {
        format!("take away the {family} rule for marked packets")
    });
    let route = handle.route().del(route(family)).execute().await;
    let route = refused(route, Errno::SRCH, || {
        format!("take away the {family} route of table {TABLE}")
    });
    rule.and(route)
}

/// An error, unless it says that nothing is left to do.
fn refused(
    result: Result<(), Error>,
    done: Errno,
    what: impl FnOnce() -> String,
) -> Result<(), DiversionError> {
    match result {
        Err(Error::NetlinkError(message)) if message.raw_code() == -done.raw_os_error() => Ok(()),
        Err(source) => Err(DiversionError::Refused {
            what: what(),
            source: Box::new(source),
        }),
        Ok(()) => Ok(()),
    }
}

/// `local default dev lo table 100`
fn route(family: Family) -> RouteMessage {
    match family {
        Family::V4 => RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(Ipv4Addr::UNSPECIFIED, 0)
            .output_interface(LOOPBACK)
            .table_id(TABLE)
            .kind(RouteType::Local)
            .scope(RouteScope::Host)
            .protocol(RouteProtocol::Static)
            .build(),
        Family::V6 => RouteMessageBuilder::<Ipv6Addr>::new()
            .destination_prefix(Ipv6Addr::UNSPECIFIED, 0)
            .output_interface(LOOPBACK)
            .table_id(TABLE)
            .kind(RouteType::Local)
            .protocol(RouteProtocol::Static)
            .build(),
    }
}

/// `fwmark 0x1 lookup 100`
fn rule(family: Family) -> RuleMessage {
    let mut message = RuleMessage::default();
    message.header.family = match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    };
    message.header.action = RuleAction::ToTable;
    message.attributes = vec![
        RuleAttribute::Table(TABLE),
        RuleAttribute::FwMark(FOREIGN_MARK),
        RuleAttribute::FwMask(u32::MAX),
        RuleAttribute::Priority(PRIORITY),
    ];
    message
}
