//! Packets: untrusted bytes into bounded values, and own messages into bytes.
//!
//! Every parser takes any bytes without panicking, allocates no more than the packet's size, and drops what it
//! does not understand: a hostile packet costs the time to look at it, nothing else.

mod arp;
mod dhcp;
mod udp;

pub use arp::{ArpOperation, ArpPacket};
pub(crate) use dhcp::usable_host;
pub use dhcp::{MAX_LIST, MAX_ROUTES, Reply, ReplyKind, encode};
pub use udp::{CLIENT_PORT, SERVER_PORT, unwrap_udp, wrap_broadcast};
