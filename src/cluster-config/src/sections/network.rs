//! The page *Basic Settings > Network*.

use std::collections::BTreeMap;

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// How the appliance is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Host name, without domain.
    pub host_name: String,
    /// Domain for short names.
    pub domain: Option<String>,
    /// Interfaces by name.
    pub interfaces: BTreeMap<String, Interface>,
    /// Routes besides those of the interfaces.
    pub routes: Vec<Route>,
    /// Name servers, the first is asked first.
    pub dns: Vec<IpAddr>,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// Addresses, each with the length of its network.
    pub addresses: Vec<IpNet>,
    /// Whether administrators come by it; SSH listens here in rescue.
    pub management: bool,
    /// VLAN identifier (IEEE 802.1Q), 1 to 4094.
    pub vlan: Option<u16>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Where it leads.
    pub network: IpNet,
    /// Next hop.
    pub gateway: IpAddr,
}
