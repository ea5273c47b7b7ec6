//! What can end the network service.

use thiserror::Error;

/// Why the network service ended. Everything else is logged and tried again.
#[derive(Debug, Error)]
pub enum NetError {
    /// No netlink socket.
    #[error("netlink socket could not be opened: the process needs CAP_NET_ADMIN")]
    Netlink(#[source] std::io::Error),
    /// The kernel's connection ended.
    #[error("netlink connection ended")]
    NetlinkEnded,
    /// The interfaces could not be listed.
    #[error("network interfaces could not be listed")]
    List(#[source] Box<rtnetlink::Error>),
    /// No seed for transaction ids.
    #[error("kernel gave no random numbers")]
    Seed(#[source] std::io::Error),
}
