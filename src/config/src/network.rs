//! The section `network`: how this node is reached.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// Host name, interfaces and name servers of this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Host name, without domain.
    pub host_name: String,
    /// Settings by the kernel's interface name. An interface that is not named here asks by DHCP.
    pub interfaces: BTreeMap<String, Interface>,
    /// Name servers; when there are none, those that DHCP servers name.
    pub dns: Vec<IpAddr>,
    /// Domain for short names; when there is none, the one that a DHCP server names.
    pub domain: Option<String>,
}

/// One interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// IPv4 addressing.
    pub ipv4: Ipv4,
}

/// How an interface gets its IPv4 address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ipv4 {
    /// From a DHCP server, else the address of the first boot.
    #[default]
    Dhcp,
    /// Set by hand.
    Static {
        /// Address and length of its network, `192.0.2.5/24`.
        address: Ipv4Net,
        /// Next hop of the default route; at most one interface has one.
        gateway: Option<Ipv4Addr>,
    },
    /// No address.
    Off,
}

/// The name an appliance has until somebody gives it one.
pub const DEFAULT_HOST_NAME: &str = "sps";

impl Default for Network {
    fn default() -> Self {
        Self {
            host_name: DEFAULT_HOST_NAME.into(),
            interfaces: BTreeMap::new(),
            dns: Vec::new(),
            domain: None,
        }
    }
}
