//! Who may connect: a bound in all, a bound for each source, and a small reserve for polite refusals.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::http::limits::Limits;

/// Bits of an IPv6 address that name a network: one machine owns every address of its /64.
const IPV6_NETWORK: u128 = !0 << 64;

/// Counts connections; clones share the counts.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    most: usize,
    most_per_source: usize,
    most_refusals: usize,
    counts: Arc<Mutex<Counts>>,
}

/// Bounded: every count belongs to a [`Pass`], of which there are at most `most + most_refusals`.
#[derive(Debug, Default)]
struct Counts {
    served: usize,
    refused: usize,
    sources: HashMap<IpAddr, usize>,
}

/// What happens to a new connection.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It is served.
    Serve(Pass),
    /// It gets an answer that says why not.
    Refuse(Pass),
    /// It is closed at once.
    Drop,
}

/// The right to a connection; gives its place back when dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Gate,
    /// `None` for a refusal.
    source: Option<IpAddr>,
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            most: limits.connections,
            most_per_source: limits.connections_per_source,
            most_refusals: limits.refusals,
            counts: Arc::default(),
        }
    }

    pub(crate) fn admit(&self, peer: IpAddr) -> Admission {
        let source = source_of(peer);
        let mut counts = self.counts();
        let of_source = counts.sources.get(&source).copied().unwrap_or(0);
        if counts.served < self.most && of_source < self.most_per_source {
            counts.served += 1;
            counts.sources.insert(source, of_source + 1);
            return Admission::Serve(Pass {
                gate: self.clone(),
                source: Some(source),
            });
        }
        if counts.refused < self.most_refusals {
            counts.refused += 1;
            return Admission::Refuse(Pass {
                gate: self.clone(),
                source: None,
            });
        }
        Admission::Drop
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut counts = self.gate.counts();
        let Some(source) = self.source else {
            counts.refused -= 1;
            return;
        };
        counts.served -= 1;
        if let Some(of_source) = counts.sources.get_mut(&source) {
            *of_source -= 1;
            if *of_source == 0 {
                counts.sources.remove(&source);
            }
        }
    }
}

/// The address that counts: IPv4 as such (also when mapped into IPv6), IPv6 by its /64.
fn source_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & IPV6_NETWORK)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(connections: usize, connections_per_source: usize, refusals: usize) -> Gate {
        Gate::new(&Limits {
            connections,
            connections_per_source,
            refusals,
            ..Limits::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_bounded_and_come_back() {
        let gate = gate(2, 2, 1);
        let first = gate.admit(ip("10.0.0.1"));
        let _second = gate.admit(ip("10.0.0.2"));
        assert!(matches!(first, Admission::Serve(_)));
        let refused = gate.admit(ip("10.0.0.3"));
        assert!(matches!(refused, Admission::Refuse(_)));
        assert!(matches!(gate.admit(ip("10.0.0.3")), Admission::Drop));
        drop(refused);
        drop(first);
        assert!(matches!(gate.admit(ip("10.0.0.3")), Admission::Serve(_)));
    }

    #[test]
    fn one_source_cannot_take_every_place() {
        let gate = gate(10, 1, 1);
        let _mine = gate.admit(ip("::ffff:10.0.0.1"));
        assert!(matches!(gate.admit(ip("10.0.0.1")), Admission::Refuse(_)));
        let _other = gate.admit(ip("2001:db8::1"));
        assert!(
            matches!(gate.admit(ip("2001:db8::2")), Admission::Refuse(_)),
            "same /64"
        );
        assert!(
            matches!(gate.admit(ip("2001:db8:0:1::1")), Admission::Serve(_)),
            "another /64"
        );
    }

    #[test]
    fn nothing_is_kept_of_sources_that_left() {
        let gate = gate(10, 2, 1);
        drop([gate.admit(ip("10.0.0.1")), gate.admit(ip("10.0.0.1"))]);
        let counts = gate.counts();
        assert!(counts.sources.is_empty());
        assert_eq!((counts.served, counts.refused), (0, 0));
    }
}
