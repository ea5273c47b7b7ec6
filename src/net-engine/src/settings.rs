//! What an administrator wants of the network, and what cannot be wanted.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use thiserror::Error;

use crate::event::{netmask, network};

/// What the engine is set to do. [`Settings::check`] holds for everything the engine is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Host name sent to DHCP servers; another one is told to them at once.
    pub hostname: Option<String>,
    /// Modes by the kernel's interface name. An interface that is not named here asks by DHCP.
    pub interfaces: BTreeMap<String, Ipv4Mode>,
    /// Whether the fallback address may be taken at all.
    pub fallback: bool,
    /// How long an interface with carrier may stay without any address on the node before the fallback is tried.
    pub fallback_after: Duration,
}

/// How an interface gets its IPv4 address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ipv4Mode {
    /// From a DHCP server, else the fallback address where [`Settings::fallback`] allows it.
    #[default]
    Dhcp,
    /// Set by hand.
    Static(StaticAddress),
    /// None.
    Off,
}

impl Ipv4Mode {
    /// Next hop of the static default route.
    #[must_use]
    pub fn gateway(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Static(set) => set.gateway,
            Self::Dhcp | Self::Off => None,
        }
    }
}

/// An address set by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticAddress {
    /// The address.
    pub address: Ipv4Addr,
    /// Length of its network in bits.
    pub prefix: u8,
    /// Next hop of the default route; at most one interface has one.
    pub gateway: Option<Ipv4Addr>,
}

/// A setting that cannot be, with its mend.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the message of each says it")]
pub enum SettingsError {
    #[error(
        "address of {link}: a prefix of {prefix} bits is no network's; give 1 to 32, such as 192.0.2.5/24"
    )]
    Prefix { link: String, prefix: u8 },
    #[error("address of {link}: {address} is not a host's; give one of the network the interface is in")]
    NotAHost { link: String, address: Ipv4Addr },
    #[error(
        "address of {link}: {address}/{prefix} is the network's own or its broadcast address; \
         give one between them"
    )]
    NetworkOrBroadcast {
        link: String,
        address: Ipv4Addr,
        prefix: u8,
    },
    #[error("address of {link}: {other} has {address} too; give each interface its own")]
    Twice {
        link: String,
        other: String,
        address: Ipv4Addr,
    },
    #[error("gateway of {link}: {gateway} is the interface's own address; give the router's")]
    OwnGateway { link: String, gateway: Ipv4Addr },
    #[error("gateway of {link}: {gateway} is not a host of {net}/{prefix}; give a router of that network")]
    Unreachable {
        link: String,
        gateway: Ipv4Addr,
        net: Ipv4Addr,
        prefix: u8,
    },
    #[error("gateway of {link}: {other} has the default gateway; keep it at one of the two")]
    TwoGateways { link: String, other: String },
}

impl Settings {
    /// Ten seconds: a server that answers does so in one, also after a retry; a person with a laptop on the
    /// first card waits for this and the probe, some 16 s.
    pub const FALLBACK_AFTER: Duration = Duration::from_secs(10);

    /// How the interface of this name gets its address.
    #[must_use]
    pub fn mode(&self, link: &str) -> Ipv4Mode {
        self.interfaces.get(link).copied().unwrap_or_default()
    }

    /// Judges the settings.
    ///
    /// # Errors
    /// The first that cannot be.
    pub fn check(&self) -> Result<(), SettingsError> {
        let mut owners: BTreeMap<Ipv4Addr, &String> = BTreeMap::new();
        let mut gateway_of: Option<&String> = None;
        for (name, mode) in &self.interfaces {
            let Ipv4Mode::Static(set) = mode else { continue };
            set.check(name)?;
            let link = name.clone();
            if let Some(other) = owners.insert(set.address, name) {
                let (other, address) = (other.clone(), set.address);
                return Err(SettingsError::Twice { link, other, address });
            }
            if set.gateway.is_none() {
                continue;
            }
            if let Some(other) = gateway_of.replace(name) {
                let other = other.clone();
                return Err(SettingsError::TwoGateways { link, other });
            }
        }
        Ok(())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hostname: None,
            interfaces: BTreeMap::new(),
            fallback: true,
            fallback_after: Self::FALLBACK_AFTER,
        }
    }
}

impl StaticAddress {
    fn check(&self, name: &str) -> Result<(), SettingsError> {
        let (link, prefix) = (name.to_owned(), self.prefix);
        let address = self.address;
        if !(1..=32).contains(&prefix) {
            return Err(SettingsError::Prefix { link, prefix });
        }
        if !crate::wire::usable_host(address) {
            return Err(SettingsError::NotAHost { link, address });
        }
        if self.is_edge(address) {
            return Err(SettingsError::NetworkOrBroadcast {
                link,
                address,
                prefix,
            });
        }
        match self.gateway {
            Some(gateway) => self.check_gateway(link, gateway),
            None => Ok(()),
        }
    }

    fn check_gateway(&self, link: String, gateway: Ipv4Addr) -> Result<(), SettingsError> {
        if gateway == self.address {
            return Err(SettingsError::OwnGateway { link, gateway });
        }
        let own = network(self.address, self.prefix);
        let inside = network(gateway, self.prefix) == own;
        if inside && !self.is_edge(gateway) && crate::wire::usable_host(gateway) {
            return Ok(());
        }
        Err(SettingsError::Unreachable {
            link,
            gateway,
            net: own.into(),
            prefix: self.prefix,
        })
    }

    /// The network's own address or its broadcast address. A network of two has neither (RFC 3021).
    fn is_edge(&self, address: Ipv4Addr) -> bool {
        let host = !netmask(self.prefix) & u32::from(address);
        self.prefix < 31 && (host == 0 || host == !netmask(self.prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(address: [u8; 4], prefix: u8, gateway: Option<[u8; 4]>) -> Ipv4Mode {
        Ipv4Mode::Static(StaticAddress {
            address: address.into(),
            prefix,
            gateway: gateway.map(Into::into),
        })
    }

    fn settings(modes: &[Ipv4Mode]) -> Settings {
        let named = |(place, mode): (usize, &Ipv4Mode)| (format!("eth{place}"), *mode);
        Settings {
            interfaces: modes.iter().enumerate().map(named).collect(),
            ..Settings::default()
        }
    }

    #[test]
    fn what_can_be_is_taken() {
        let one = [
            set([192, 0, 2, 5], 24, Some([192, 0, 2, 1])),
            set([198, 51, 100, 0], 31, None),
            set([203, 0, 113, 7], 32, None),
            Ipv4Mode::Off,
            Ipv4Mode::Dhcp,
        ];
        assert_eq!(settings(&one).check(), Ok(()));
        let two_hosts = set([192, 0, 2, 0], 31, Some([192, 0, 2, 1]));
        assert_eq!(settings(&[two_hosts]).check(), Ok(()));
    }

    #[test]
    fn what_cannot_be_is_refused_by_setting_and_mend() {
        let good = set([192, 0, 2, 5], 24, Some([192, 0, 2, 1]));
        let cases = [
            (
                vec![set([192, 0, 2, 5], 0, None)],
                "address of eth0: a prefix of 0 bits",
            ),
            (vec![set([192, 0, 2, 5], 33, None)], "give 1 to 32"),
            (
                vec![set([127, 0, 0, 5], 8, None)],
                "address of eth0: 127.0.0.5 is not a host's",
            ),
            (
                vec![set([224, 0, 0, 5], 24, None)],
                "224.0.0.5 is not a host's; give one of",
            ),
            (vec![set([255, 255, 255, 255], 32, None)], "is not a host's"),
            (vec![set([0, 0, 0, 0], 24, None)], "is not a host's"),
            (
                vec![set([192, 0, 2, 0], 24, None)],
                "192.0.2.0/24 is the network's own",
            ),
            (
                vec![set([192, 0, 2, 255], 24, None)],
                "or its broadcast address; give one between",
            ),
            (
                vec![set([192, 0, 2, 5], 24, Some([192, 0, 2, 5]))],
                "gateway of eth0: 192.0.2.5 is the interface's own",
            ),
            (
                vec![set([192, 0, 2, 5], 24, Some([192, 0, 3, 1]))],
                "192.0.3.1 is not a host of 192.0.2.0/24",
            ),
            (
                vec![set([192, 0, 2, 5], 24, Some([192, 0, 2, 255]))],
                "give a router of that network",
            ),
            (
                vec![good, set([198, 51, 100, 5], 24, Some([198, 51, 100, 1]))],
                "gateway of eth1: eth0 has the default gateway",
            ),
            (
                vec![set([192, 0, 2, 5], 24, None), good],
                "address of eth1: eth0 has 192.0.2.5 too",
            ),
        ];
        for (modes, expected) in cases {
            let said = settings(&modes).check().unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
    }
}
