//! DHCP messages (RFC 2131, options of RFC 2132, 3396, 3442).
//!
//! Reading goes through `dhcproto`'s borrowed view and takes only the options named here: its owned decoder
//! stops at the first malformed option and asserts lengths, which is not for packets of strangers
//! (`DECISION-dhcp.md`).

use std::net::Ipv4Addr;

use dhcproto::v4::borrowed::{DhcpOptionIterator, Message as View};
use dhcproto::v4::{DhcpOption, DhcpOptions, HType, MessageType, Opcode, OptionCode};
use dhcproto::{Encodable, Encoder};

use crate::action::{ClientMessage, MessageKind};
use crate::lease::Route;
use crate::link::MacAddress;

/// Most servers of one kind that are kept: more than any use has for them.
pub const MAX_LIST: usize = 8;
/// Most classless routes that are kept; RFC 3442 options beyond it are cut.
pub const MAX_ROUTES: usize = 32;
/// Longest domain name (RFC 1035 section 2.3.4).
const MAX_DOMAIN: usize = 253;
/// Fixed part with the magic cookie; shorter messages are dropped.
const MIN_MESSAGE: usize = 240;
/// Longest message we take: what fits an Ethernet frame.
const MAX_MESSAGE: u16 = 1472;
/// Shortest message some servers and relays take (RFC 1542 section 2.1).
const PADDED: usize = 300;

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// An address to be had.
    Offer,
    /// It is yours.
    Ack,
    /// It is not yours.
    Nak,
}

/// A server's message with the options that matter, bounded and not yet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Offer, acknowledgement or refusal.
    pub kind: ReplyKind,
    /// Transaction id.
    pub xid: u32,
    /// Hardware address it is for.
    pub client: MacAddress,
    /// `yiaddr`: the client's address.
    pub address: Ipv4Addr,
    /// Option 54.
    pub server: Option<Ipv4Addr>,
    /// Option 1.
    pub mask: Option<Ipv4Addr>,
    /// Option 51, seconds.
    pub lease: Option<u32>,
    /// Option 58, seconds.
    pub renew: Option<u32>,
    /// Option 59, seconds.
    pub rebind: Option<u32>,
    /// Option 3.
    pub routers: Vec<Ipv4Addr>,
    /// Option 121, `None` when absent: it replaces option 3.
    pub routes: Option<Vec<Route>>,
    /// Option 6.
    pub dns: Vec<Ipv4Addr>,
    /// Option 42.
    pub ntp: Vec<Ipv4Addr>,
    /// Option 15, only when it is a plain domain name.
    pub domain: Option<String>,
}

impl Reply {
    /// Reads a server's message; `None` for anything that is not one.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let view = View::new(bytes).ok()?;
        // The view's `chaddr` trusts the length byte: it is checked first.
        if view.opcode() != Opcode::BootReply || view.htype() != HType::Eth || view.hlen() != 6 {
            return None;
        }
        if bytes.get(MIN_MESSAGE - 4..MIN_MESSAGE)? != dhcproto::v4::MAGIC {
            return None;
        }
        let mut options = Options::default();
        options.read(view.opts());
        let overload = options.overload;
        if overload & 1 != 0 {
            options.read(DhcpOptionIterator::new(bytes.get(108..236)?));
        }
        if overload & 2 != 0 {
            options.read(DhcpOptionIterator::new(bytes.get(44..108)?));
        }
        let client = MacAddress(view.chaddr().try_into().ok()?);
        options.reply(view.xid(), client, view.yiaddr())
    }
}

/// The options of a message, first one of a kind counts.
#[derive(Default)]
struct Options {
    kind: Option<ReplyKind>,
    server: Option<Ipv4Addr>,
    mask: Option<Ipv4Addr>,
    lease: Option<u32>,
    renew: Option<u32>,
    rebind: Option<u32>,
    routers: Vec<Ipv4Addr>,
    routes: Option<Vec<Route>>,
    dns: Vec<Ipv4Addr>,
    ntp: Vec<Ipv4Addr>,
    domain: Option<String>,
    overload: u8,
}

impl Options {
    fn read(&mut self, options: DhcpOptionIterator<'_>) {
        for option in options {
            let data = option.data();
            match option.code() {
                OptionCode::MessageType => self.kind = self.kind.or_else(|| reply_kind(data)),
                OptionCode::ServerIdentifier => self.server = self.server.or_else(|| address(data)),
                OptionCode::SubnetMask => self.mask = self.mask.or_else(|| address(data)),
                OptionCode::AddressLeaseTime => self.lease = self.lease.or_else(|| number(data)),
                OptionCode::Renewal => self.renew = self.renew.or_else(|| number(data)),
                OptionCode::Rebinding => self.rebind = self.rebind.or_else(|| number(data)),
                OptionCode::Router if self.routers.is_empty() => self.routers = addresses(data),
                OptionCode::DomainNameServer if self.dns.is_empty() => self.dns = addresses(data),
                OptionCode::NtpServers if self.ntp.is_empty() => self.ntp = addresses(data),
                OptionCode::ClasslessStaticRoute => self.routes = self.routes.take().or_else(|| routes(data)),
                OptionCode::DomainName => self.domain = self.domain.take().or_else(|| domain(data)),
                OptionCode::OptionOverload => self.overload |= data.first().copied().unwrap_or(0),
                _ => {}
            }
        }
    }

    fn reply(self, xid: u32, client: MacAddress, address: Ipv4Addr) -> Option<Reply> {
        Some(Reply {
            kind: self.kind?,
            xid,
            client,
            address,
            server: self.server,
            mask: self.mask,
            lease: self.lease,
            renew: self.renew,
            rebind: self.rebind,
            routers: self.routers,
            routes: self.routes,
            dns: self.dns,
            ntp: self.ntp,
            domain: self.domain,
        })
    }
}

fn reply_kind(data: &[u8]) -> Option<ReplyKind> {
    match data {
        [2] => Some(ReplyKind::Offer),
        [5] => Some(ReplyKind::Ack),
        [6] => Some(ReplyKind::Nak),
        _ => None,
    }
}

fn address(data: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(data).ok().map(Ipv4Addr::from)
}

fn number(data: &[u8]) -> Option<u32> {
    data.try_into().ok().map(u32::from_be_bytes)
}

fn addresses(data: &[u8]) -> Vec<Ipv4Addr> {
    data.chunks_exact(4)
        .filter_map(address)
        .filter(|a| usable_host(*a))
        .take(MAX_LIST)
        .collect()
}

/// Whether an address can be a host's on a network: what a server or gateway must be.
pub(crate) fn usable_host(address: Ipv4Addr) -> bool {
    let first = address.octets()[0];
    first != 0 && !address.is_loopback() && first < 224
}

/// RFC 3442: prefix length, significant octets of the destination, router.
fn routes(mut data: &[u8]) -> Option<Vec<Route>> {
    let mut found = Vec::new();
    while let Some((&prefix, rest)) = data.split_first() {
        let significant = usize::from(prefix).div_ceil(8);
        if prefix > 32 {
            return None;
        }
        let mut destination = [0; 4];
        destination[..significant].copy_from_slice(rest.get(..significant)?);
        let via = address(rest.get(significant..significant + 4)?)?;
        data = &rest[significant + 4..];
        if found.len() < MAX_ROUTES {
            found.extend(Route::checked(destination.into(), prefix, via));
        }
    }
    Some(found)
}

/// Letters, digits, `-`, `_` and dots only: the name goes into `resolv.conf`.
fn domain(data: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(data).ok()?.trim_end_matches('\0');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!text.is_empty() && text.len() <= MAX_DOMAIN && text.chars().all(plain)).then(|| text.to_owned())
}

/// The bytes of a client's message, padded to what old relays take.
///
/// The fixed part (RFC 2131 figure 1) is written here: `dhcproto`'s message draws a random number whatever one
/// asks of it. `None` cannot happen with the messages made here; the encoder's error type asks for it.
#[must_use]
pub fn encode(message: &ClientMessage, mac: MacAddress, hostname: Option<&str>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; MIN_MESSAGE];
    bytes[..4].copy_from_slice(&[1, 1, 6, 0]);
    bytes[4..8].copy_from_slice(&message.xid.to_be_bytes());
    bytes[8..10].copy_from_slice(&message.secs.to_be_bytes());
    if let MessageKind::Extend { address } | MessageKind::Release { address, .. } = message.kind {
        bytes[12..16].copy_from_slice(&address.octets());
    }
    bytes[28..34].copy_from_slice(&mac.0);
    bytes[MIN_MESSAGE - 4..].copy_from_slice(&dhcproto::v4::MAGIC);
    let mut end = Vec::with_capacity(PADDED - MIN_MESSAGE);
    options(message.kind, mac, hostname)
        .encode(&mut Encoder::new(&mut end))
        .ok()?;
    bytes.extend(end);
    bytes.resize(bytes.len().max(PADDED), 0);
    Some(bytes)
}

fn options(kind: MessageKind, mac: MacAddress, hostname: Option<&str>) -> DhcpOptions {
    let (message_type, requested, server) = match kind {
        MessageKind::Discover => (MessageType::Discover, None, None),
        MessageKind::Select { address, server } => (MessageType::Request, Some(address), Some(server)),
        MessageKind::Confirm { address } => (MessageType::Request, Some(address), None),
        MessageKind::Extend { .. } => (MessageType::Request, None, None),
        MessageKind::Decline { address, server } => (MessageType::Decline, Some(address), Some(server)),
        MessageKind::Release { server, .. } => (MessageType::Release, None, Some(server)),
    };
    let mut options = DhcpOptions::default();
    options.insert(DhcpOption::MessageType(message_type));
    let [a, b, c, d, e, f] = mac.0;
    options.insert(DhcpOption::ClientIdentifier(vec![1, a, b, c, d, e, f]));
    if let Some(requested) = requested {
        options.insert(DhcpOption::RequestedIpAddress(requested));
    }
    if let Some(server) = server {
        options.insert(DhcpOption::ServerIdentifier(server));
    }
    if !matches!(kind, MessageKind::Decline { .. } | MessageKind::Release { .. }) {
        add_wishes(&mut options, hostname);
    }
    options
}

fn add_wishes(options: &mut DhcpOptions, hostname: Option<&str>) {
    options.insert(DhcpOption::MaxMessageSize(MAX_MESSAGE));
    // RFC 3442: classless routes are asked for before routers.
    options.insert(DhcpOption::ParameterRequestList(vec![
        OptionCode::SubnetMask,
        OptionCode::ClasslessStaticRoute,
        OptionCode::Router,
        OptionCode::DomainNameServer,
        OptionCode::DomainName,
        OptionCode::NtpServers,
        OptionCode::AddressLeaseTime,
        OptionCode::Renewal,
        OptionCode::Rebinding,
    ]));
    if let Some(hostname) = hostname {
        options.insert(DhcpOption::Hostname(hostname.to_owned()));
    }
}

#[cfg(test)]
mod tests;
