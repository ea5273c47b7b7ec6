//! The network: what is set and what is.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sps_config::{Ipv4, Network};

/// Settings and state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkStatus {
    /// What is set.
    pub settings: Network,
    /// What is.
    pub interfaces: Vec<InterfaceStatus>,
}

/// An interface as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceStatus {
    /// The kernel's name.
    pub name: String,
    /// Hardware address.
    pub mac: String,
    /// Driver, when it is known.
    pub driver: Option<String>,
    /// The link is up.
    pub carrier: bool,
    /// Speed in Mbit/s, when the driver tells.
    pub speed: Option<u32>,
    /// Addresses with network length and origin, such as `192.0.2.5/24 (dhcp)`.
    pub addresses: Vec<String>,
    /// Next hop of the default route.
    pub gateway: Option<IpAddr>,
    /// Name servers learned here.
    pub dns: Vec<IpAddr>,
    /// What stands in its way, in words.
    pub problem: Option<String>,
}

/// What to change; what is `None` or absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkChange {
    /// New host name.
    pub host_name: Option<String>,
    /// Interfaces to change.
    pub interfaces: BTreeMap<String, InterfaceChange>,
    /// New list of name servers.
    pub dns: Option<Vec<IpAddr>>,
    /// New domain; an empty text removes it.
    pub domain: Option<String>,
}

/// What to change at one interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceChange {
    /// New IPv4 addressing.
    pub ipv4: Ipv4,
}

impl NetworkChange {
    /// The settings `now` with this change made; the configuration's own checks judge the result.
    #[must_use]
    pub fn apply(&self, now: &Network) -> Network {
        let mut next = now.clone();
        if let Some(name) = &self.host_name {
            next.host_name.clone_from(name);
        }
        for (name, change) in &self.interfaces {
            next.interfaces.entry(name.clone()).or_default().ipv4 = change.ipv4.clone();
        }
        if let Some(dns) = &self.dns {
            next.dns.clone_from(dns);
        }
        if let Some(domain) = &self.domain {
            next.domain = (!domain.is_empty()).then(|| domain.clone());
        }
        next
    }
}

/// What changes, in words: `host name sps1; eth0 192.0.2.5/24 by 192.0.2.1`.
impl fmt::Display for NetworkChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(name) = &self.host_name {
            parts.push(format!("host name {name}"));
        }
        let interfaces = self.interfaces.iter();
        parts.extend(interfaces.map(|(name, change)| format!("{name} {}", addressing(&change.ipv4))));
        if let Some(dns) = &self.dns {
            let names: Vec<_> = dns.iter().map(ToString::to_string).collect();
            parts.push(format!(
                "name servers {}",
                if names.is_empty() {
                    "by DHCP".into()
                } else {
                    names.join(", ")
                }
            ));
        }
        match self.domain.as_deref() {
            None => {}
            Some("") => parts.push("no domain".into()),
            Some(domain) => parts.push(format!("domain {domain}")),
        }
        f.write_str(&parts.join("; "))
    }
}

/// An addressing in words.
pub(crate) fn addressing(ipv4: &Ipv4) -> String {
    match ipv4 {
        Ipv4::Dhcp => "by DHCP".into(),
        Ipv4::Static {
            address,
            gateway: None,
        } => address.to_string(),
        Ipv4::Static {
            address,
            gateway: Some(gateway),
        } => format!("{address} by {gateway}"),
        Ipv4::Off => "without an address".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_changes() {
        let now = Network {
            domain: Some("example.net".into()),
            ..Network::default()
        };
        let change = NetworkChange {
            interfaces: [("eth0".into(), InterfaceChange { ipv4: Ipv4::Off })].into(),
            domain: Some(String::new()),
            ..NetworkChange::default()
        };
        let next = change.apply(&now);
        assert_eq!(next.host_name, now.host_name);
        assert_eq!(next.interfaces["eth0"].ipv4, Ipv4::Off);
        assert_eq!(next.domain, None);
        assert_eq!(NetworkChange::default().apply(&now), now);
    }
}
