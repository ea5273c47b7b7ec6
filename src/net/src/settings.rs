//! What the network service is told: what an administrator sets, and where the machine's files are.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use sps_net_engine::{Ipv4Mode, Settings, SettingsError};
use thiserror::Error;

/// Name servers the C library looks at (`MAXNS` of resolv.h).
pub(crate) const MAX_SERVERS: usize = 3;
/// Longest label of a host name (RFC 1035, 2.3.4).
const LABEL: usize = 63;
/// Longest domain name in text (RFC 1035, 2.3.4: 255 octets on the wire).
const DOMAIN: usize = 253;

/// Settings of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Host name sent to DHCP servers, so that administrators find the appliance in their lease table.
    pub hostname: Option<String>,
    /// Modes by the kernel's interface name. An interface that is not named here asks by DHCP.
    pub interfaces: BTreeMap<String, Ipv4Mode>,
    /// Name servers; when there are none, those that DHCP servers name.
    pub dns: Vec<IpAddr>,
    /// Domain for short names; when there is none, the one that a DHCP server names.
    pub domain: Option<String>,
    /// Whether the fallback address may be taken at all.
    pub fallback: bool,
    /// How long an interface with carrier waits for a DHCP server before the fallback address is tried.
    pub fallback_after: Duration,
    /// File that gets the name servers, in the format of `resolv.conf(5)`; none is written without a path.
    pub resolv_conf: Option<PathBuf>,
    /// Where sysfs shows network interfaces; only for driver, speed and place on the bus.
    pub sys_class_net: PathBuf,
    /// Where procfs has the kernel's network parameters.
    pub proc_sys_net: PathBuf,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            hostname: None,
            interfaces: BTreeMap::new(),
            dns: Vec::new(),
            domain: None,
            fallback: true,
            fallback_after: Settings::FALLBACK_AFTER,
            resolv_conf: None,
            sys_class_net: PathBuf::from("/sys/class/net"),
            proc_sys_net: PathBuf::from("/proc/sys/net"),
        }
    }
}

/// A setting that cannot be, with its mend.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NetworkSettingsError {
    /// Address or gateway of an interface.
    #[error(transparent)]
    Interface(#[from] SettingsError),
    /// Host name.
    #[error(
        "host name {0:?}: use up to 63 letters, digits and hyphens, no hyphen first or last, without the domain"
    )]
    Hostname(String),
    /// Domain.
    #[error("domain {0:?}: give a name such as example.net")]
    Domain(String),
    /// Name server.
    #[error("name server {0} is not the address of a host; give the server's")]
    NameServer(IpAddr),
    /// Number of name servers.
    #[error("{0} name servers are more than 3 that are looked at; name the nearest")]
    NameServers(usize),
}

impl NetworkSettings {
    /// Judges the settings. The service takes none that fail.
    ///
    /// # Errors
    /// The first that cannot be.
    pub fn check(&self) -> Result<(), NetworkSettingsError> {
        self.engine().check()?;
        if let Some(name) = self.hostname.as_ref().filter(|name| !is_label(name)) {
            return Err(NetworkSettingsError::Hostname(name.clone()));
        }
        if let Some(domain) = self.domain.as_ref().filter(|domain| !is_domain(domain)) {
            return Err(NetworkSettingsError::Domain(domain.clone()));
        }
        if self.dns.len() > MAX_SERVERS {
            return Err(NetworkSettingsError::NameServers(self.dns.len()));
        }
        match self.dns.iter().find(|server| !is_host(**server)) {
            Some(server) => Err(NetworkSettingsError::NameServer(*server)),
            None => Ok(()),
        }
    }

    /// The engine's part.
    pub(crate) fn engine(&self) -> Settings {
        Settings {
            hostname: self.hostname.clone(),
            interfaces: self.interfaces.clone(),
            fallback: self.fallback,
            fallback_after: self.fallback_after,
        }
    }
}

fn is_host(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(Ipv4Addr::BROADCAST));
    !(address.is_unspecified() || address.is_multicast() || address.is_loopback() || broadcast)
}

/// A label of a host name (RFC 1123, 2.1).
fn is_label(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let edge = text.starts_with('-') || text.ends_with('-');
    !text.is_empty() && text.len() <= LABEL && text.chars().all(plain) && !edge
}

fn is_domain(text: &str) -> bool {
    text.len() <= DOMAIN && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused_by_setting_and_mend() {
        let ordinary = NetworkSettings::default;
        let name = |text: &str| NetworkSettings {
            hostname: Some(text.to_owned()),
            ..ordinary()
        };
        let domain = |text: &str| NetworkSettings {
            domain: Some(text.to_owned()),
            ..ordinary()
        };
        let dns = |all: &[&str]| NetworkSettings {
            dns: all.iter().map(|a| a.parse().unwrap()).collect(),
            ..ordinary()
        };
        let good = [
            ordinary(),
            name("sps-1"),
            domain("example.net"),
            dns(&["192.0.2.1", "2001:db8::1"]),
        ];
        for settings in good {
            assert_eq!(settings.check(), Ok(()), "{settings:?}");
        }
        let bad = [
            (name("sps.example.net"), "host name \"sps.example.net\""),
            (name("-sps"), "no hyphen first or last"),
            (domain("example.net\nnameserver 1.2.3.4"), "such as example.net"),
            (dns(&["127.0.0.1"]), "name server 127.0.0.1 is not"),
            (dns(&["ff02::1"]), "give the server's"),
            (
                dns(&["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]),
                "name the nearest",
            ),
        ];
        for (settings, expected) in bad {
            let said = settings.check().unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
    }
}
