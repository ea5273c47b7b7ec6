//! Which addresses a file is fetched from: other machines', never the appliance's own. A URL must not become a way to ask
//! what listens here for nobody but the appliance.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Judges addresses. Clones judge alike.
#[derive(Clone)]
pub struct Guard {
    own: Arc<dyn Fn() -> Vec<IpAddr> + Send + Sync>,
    excepted: Option<IpAddr>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl Guard {
    /// `own` tells the addresses that the appliance has at the moment.
    pub fn new(own: impl Fn() -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        Self {
            own: Arc::new(own),
            excepted: None,
        }
    }

    /// Lets `address` through, whatever it is: where the servers of a test are.
    #[must_use]
    pub fn except(mut self, address: IpAddr) -> Self {
        self.excepted = Some(address);
        self
    }

    /// What is wrong with connecting to an address.
    pub(crate) fn objection(&self, address: IpAddr) -> Option<&'static str> {
        let address = address.to_canonical();
        if self.excepted == Some(address) {
            return None;
        }
        let is_own = (self.own)().iter().any(|own| own.to_canonical() == address);
        what_it_is(address).or(is_own.then_some(OWN))
    }

    /// What is wrong with a connection that was made: its two ends are one machine.
    pub(crate) fn connected(&self, from: SocketAddr, to: SocketAddr) -> Option<&'static str> {
        let (from, to) = (from.ip().to_canonical(), to.ip().to_canonical());
        (from == to && self.excepted != Some(to)).then_some(OWN)
    }
}

const OWN: &str = "an address of this appliance";

/// What makes an address one that no file is fetched from.
fn what_it_is(address: IpAddr) -> Option<&'static str> {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    // 0.0.0.0/8 is "this network" (RFC 1122, 3.2.1.3).
    let is_unspecified = match address {
        IpAddr::V4(address) => address.octets()[0] == 0 || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unspecified(),
    };
    match () {
        () if address.is_loopback() => Some("the appliance itself"),
        () if is_unspecified => Some("no address of a machine"),
        () if is_link_local => Some("a link-local address"),
        () if address.is_multicast() => Some("a multicast address"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        Guard::new(|| vec!["192.0.2.5".parse().unwrap(), "2001:db8::5".parse().unwrap()])
    }

    #[test]
    fn only_other_machines_are_asked() {
        for bad in [
            "127.0.0.1",
            "127.255.0.9",
            "::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "255.255.255.255",
            "169.254.169.254",
            "fe80::1",
            "224.0.0.1",
            "ff02::1",
            "192.0.2.5",
            "::ffff:192.0.2.5",
            "2001:db8::5",
        ] {
            assert!(
                guard().objection(bad.parse().unwrap()).is_some(),
                "{bad} was let through"
            );
        }
        for good in ["192.0.2.6", "10.0.0.1", "198.51.100.7", "2001:db8::6", "fd00::1"] {
            assert_eq!(guard().objection(good.parse().unwrap()), None, "{good}");
        }
    }

    #[test]
    fn a_connection_to_oneself_is_known_by_its_ends() {
        let end = |text: &str| text.parse::<SocketAddr>().unwrap();
        let own = guard().connected(end("10.1.1.1:4000"), end("10.1.1.1:443"));
        assert_eq!(own, Some(OWN));
        assert_eq!(guard().connected(end("10.1.1.1:4000"), end("10.1.1.2:443")), None);
        let test = guard().except("127.0.0.1".parse().unwrap());
        assert_eq!(test.objection("127.0.0.1".parse().unwrap()), None);
        assert!(test.objection("127.0.0.2".parse().unwrap()).is_some());
    }
}
