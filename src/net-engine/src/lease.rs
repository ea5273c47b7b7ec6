//! A lease: a server's answer after it was judged usable.

use std::net::Ipv4Addr;
use std::time::Duration;

use thiserror::Error;

use crate::event::{netmask, network};
use crate::wire::{MAX_LIST, Reply};

/// Shortest lease taken. A shorter one would have the client do nothing but renew.
pub const MIN_LEASE: Duration = Duration::from_secs(4);
/// `0xffffffff` stands for ever (RFC 2131 section 3.3).
const FOR_EVER: u32 = u32::MAX;

/// A route of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Destination network, host bits zero.
    pub destination: Ipv4Addr,
    /// Its length in bits.
    pub prefix: u8,
    /// Next hop; `None` when the destination is on the link itself.
    pub via: Option<Ipv4Addr>,
}

impl Route {
    /// The default route.
    #[must_use]
    pub fn default_via(via: Ipv4Addr) -> Self {
        Self {
            destination: Ipv4Addr::UNSPECIFIED,
            prefix: 0,
            via: Some(via),
        }
    }

    /// A route from the wire, `None` when its destination or next hop cannot be one. A next hop of 0.0.0.0 means
    /// on the link (RFC 3442).
    pub(crate) fn checked(destination: Ipv4Addr, prefix: u8, via: Ipv4Addr) -> Option<Self> {
        let destination = Ipv4Addr::from(network(destination, prefix));
        let reserved = destination.is_loopback() || destination.octets()[0] >= 224;
        let via = (!via.is_unspecified()).then_some(via);
        let usable = !reserved && via.is_none_or(crate::wire::usable_host);
        // A default route without a next hop would claim every address is on the link.
        (usable && (prefix > 0 || via.is_some())).then_some(Self {
            destination,
            prefix,
            via,
        })
    }
}

/// Why a server's answer cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the message of each says it")]
pub enum LeaseError {
    #[error("{0} cannot be a host's address")]
    Address(Ipv4Addr),
    #[error("the server did not say who it is (option 54)")]
    NoServer,
    #[error("subnet mask {0} is not one")]
    Mask(Ipv4Addr),
    #[error("no lease time (option 51)")]
    NoLeaseTime,
    #[error("lease time of {0} s is too short, 4 s are the least")]
    TooShort(u32),
}

/// An address and all that comes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// Length of its network in bits.
    pub prefix: u8,
    /// The server that gave it.
    pub server: Ipv4Addr,
    /// How long it holds from the request on; `None` for ever.
    pub valid_for: Option<Duration>,
    /// When to ask the server to extend it (T1).
    pub renew_after: Duration,
    /// When to ask any server (T2).
    pub rebind_after: Duration,
    /// Routes, the default route among them.
    pub routes: Vec<Route>,
    /// Name servers.
    pub dns: Vec<Ipv4Addr>,
    /// Time servers.
    pub ntp: Vec<Ipv4Addr>,
    /// Domain for short names.
    pub domain: Option<String>,
}

impl Lease {
    /// Judges an offer or acknowledgement.
    ///
    /// # Errors
    /// The first thing in it that cannot be used.
    pub fn from_reply(reply: &Reply) -> Result<Self, LeaseError> {
        let address = reply.address;
        if !crate::wire::usable_host(address) {
            return Err(LeaseError::Address(address));
        }
        let server = reply
            .server
            .filter(|s| crate::wire::usable_host(*s))
            .ok_or(LeaseError::NoServer)?;
        let prefix = prefix_of(address, reply.mask)?;
        let seconds = reply.lease.ok_or(LeaseError::NoLeaseTime)?;
        if Duration::from_secs(seconds.into()) < MIN_LEASE {
            return Err(LeaseError::TooShort(seconds));
        }
        let (renew_after, rebind_after) = timers(seconds, reply.renew, reply.rebind);
        Ok(Self {
            address,
            prefix,
            server,
            valid_for: (seconds != FOR_EVER).then(|| Duration::from_secs(seconds.into())),
            renew_after,
            rebind_after,
            routes: routes(reply),
            dns: reply.dns.iter().copied().take(MAX_LIST).collect(),
            ntp: reply.ntp.iter().copied().take(MAX_LIST).collect(),
            domain: reply.domain.clone(),
        })
    }

    /// The next hop of the default route.
    #[must_use]
    pub fn gateway(&self) -> Option<Ipv4Addr> {
        self.routes.iter().find(|r| r.prefix == 0).and_then(|r| r.via)
    }
}

/// Option 121 replaces option 3 (RFC 3442); of several routers the first is taken.
fn routes(reply: &Reply) -> Vec<Route> {
    match &reply.routes {
        Some(routes) => routes.clone(),
        None => reply
            .routers
            .first()
            .copied()
            .map(Route::default_via)
            .into_iter()
            .collect(),
    }
}

/// The mask's bits; without a mask those of the address's class (RFC 2131 section 4.4.1 leaves it to the client).
fn prefix_of(address: Ipv4Addr, mask: Option<Ipv4Addr>) -> Result<u8, LeaseError> {
    let Some(mask) = mask else {
        return Ok(match address.octets()[0] {
            0..=127 => 8,
            128..=191 => 16,
            _ => 24,
        });
    };
    let bits = u32::from(mask);
    let prefix = u8::try_from(bits.leading_ones()).unwrap_or(32);
    if bits != netmask(prefix) || prefix < 8 {
        return Err(LeaseError::Mask(mask));
    }
    let host = !netmask(prefix) & u32::from(address);
    let edge = prefix < 31 && (host == 0 || host == !netmask(prefix));
    if edge {
        Err(LeaseError::Address(address))
    } else {
        Ok(prefix)
    }
}

/// T1 and T2: the server's when they are in order, else half and seven eighths (RFC 2131 section 4.4.5).
fn timers(lease: u32, renew: Option<u32>, rebind: Option<u32>) -> (Duration, Duration) {
    let seconds = |s: u32| Duration::from_secs(s.into());
    match (renew, rebind) {
        (Some(t1), Some(t2)) if 0 < t1 && t1 < t2 && t2 < lease => (seconds(t1), seconds(t2)),
        _ => (seconds(lease) / 2, seconds(lease) * 7 / 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::MacAddress;
    use crate::wire::ReplyKind;

    fn reply() -> Reply {
        Reply {
            kind: ReplyKind::Ack,
            xid: 1,
            client: MacAddress([2; 6]),
            address: Ipv4Addr::new(10, 0, 2, 15),
            server: Some(Ipv4Addr::new(10, 0, 2, 2)),
            mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
            lease: Some(3600),
            renew: None,
            rebind: None,
            routers: vec![Ipv4Addr::new(10, 0, 2, 2)],
            routes: None,
            dns: vec![],
            ntp: vec![],
            domain: None,
        }
    }

    #[test]
    fn an_ordinary_answer_is_taken_with_default_timers() {
        let lease = Lease::from_reply(&reply()).unwrap();
        assert_eq!(
            (lease.prefix, lease.gateway()),
            (24, Some(Ipv4Addr::new(10, 0, 2, 2)))
        );
        assert_eq!(
            (lease.renew_after.as_secs(), lease.rebind_after.as_secs()),
            (1800, 3150)
        );
    }

    #[test]
    fn timers_out_of_order_are_replaced() {
        for (t1, t2) in [(0, 100), (200, 100), (100, 3600), (3601, 3602)] {
            let lease = Lease::from_reply(&Reply {
                renew: Some(t1),
                rebind: Some(t2),
                ..reply()
            })
            .unwrap();
            assert_eq!(lease.renew_after.as_secs(), 1800, "{t1} {t2}");
        }
    }

    #[test]
    fn classless_routes_replace_the_router() {
        let route = Route::checked([10, 9, 0, 7].into(), 16, [10, 0, 2, 3].into()).unwrap();
        let lease = Lease::from_reply(&Reply {
            routes: Some(vec![route]),
            ..reply()
        })
        .unwrap();
        assert_eq!(lease.gateway(), None);
        assert_eq!(lease.routes[0].destination, Ipv4Addr::new(10, 9, 0, 0));
    }

    #[test]
    fn unusable_answers_are_refused_with_their_reason() {
        let mask = |m: [u8; 4]| Reply {
            mask: Some(m.into()),
            ..reply()
        };
        let address = |a: [u8; 4]| Reply {
            address: a.into(),
            ..reply()
        };
        let cases = [
            (address([0, 0, 0, 0]), LeaseError::Address([0, 0, 0, 0].into())),
            (
                address([127, 0, 0, 1]),
                LeaseError::Address([127, 0, 0, 1].into()),
            ),
            (
                address([224, 0, 0, 1]),
                LeaseError::Address([224, 0, 0, 1].into()),
            ),
            (
                address([10, 0, 2, 255]),
                LeaseError::Address([10, 0, 2, 255].into()),
            ),
            (address([10, 0, 2, 0]), LeaseError::Address([10, 0, 2, 0].into())),
            (mask([255, 0, 255, 0]), LeaseError::Mask([255, 0, 255, 0].into())),
            (mask([0, 0, 0, 0]), LeaseError::Mask([0, 0, 0, 0].into())),
            (
                Reply {
                    server: None,
                    ..reply()
                },
                LeaseError::NoServer,
            ),
            (
                Reply {
                    lease: None,
                    ..reply()
                },
                LeaseError::NoLeaseTime,
            ),
            (
                Reply {
                    lease: Some(3),
                    ..reply()
                },
                LeaseError::TooShort(3),
            ),
        ];
        for (reply, error) in cases {
            assert_eq!(Lease::from_reply(&reply), Err(error));
        }
    }

    #[test]
    fn a_lease_for_ever_has_no_end() {
        let lease = Lease::from_reply(&Reply {
            lease: Some(u32::MAX),
            ..reply()
        })
        .unwrap();
        assert_eq!(lease.valid_for, None);
    }
}
