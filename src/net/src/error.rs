//! What can end the network service.

use thiserror::Error;

use crate::settings::NetworkSettingsError;

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
    /// The settings of the start are wrong; later ones that are wrong are refused.
    #[error("network settings cannot be used")]
    Settings(#[source] NetworkSettingsError),
    /// No seed for transaction ids.
    #[error("kernel gave no random numbers")]
    Seed(#[source] std::io::Error),
}
