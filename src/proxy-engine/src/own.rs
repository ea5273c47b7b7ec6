//! What belongs to the appliance and therefore is nobody's target: through its own proxy a person would reach services that
//! listen on loopback alone, and would be recorded as the appliance.

use std::net::IpAddr;

/// Addresses of the appliance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own(Vec<IpAddr>);

impl Own {
    /// All the addresses its interfaces have.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self(
            addresses
                .into_iter()
                .map(|address| address.to_canonical())
                .collect(),
        )
    }

    /// Whether `address` is one of them, or one that every machine takes for itself or for nobody: loopback, unspecified,
    /// multicast, broadcast, and IPv4 written as IPv6.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let special = match address {
            IpAddr::V4(four) => four.is_broadcast() || four.octets()[0] == 0,
            // IPv4-compatible addresses (RFC 4291, 2.5.5.1, deprecated): `::127.0.0.1` is no server's.
            IpAddr::V6(six) => six.to_ipv4().is_some() && !six.is_loopback() && !six.is_unspecified(),
        };
        special
            || address.is_loopback()
            || address.is_unspecified()
            || address.is_multicast()
            || self.0.contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_appliance_is_never_a_target_however_it_is_written() {
        let own = Own::new(["192.0.2.10".parse().unwrap(), "2001:db8::10".parse().unwrap()]);
        for address in [
            "192.0.2.10",
            "::ffff:192.0.2.10",
            "2001:db8::10",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(own.holds(address.parse().unwrap()), "{address}");
        }
        for address in ["192.0.2.11", "2001:db8::11", "10.0.0.1", "fe80::1"] {
            assert!(!own.holds(address.parse().unwrap()), "{address}");
        }
    }
}
