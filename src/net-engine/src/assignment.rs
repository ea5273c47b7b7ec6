//! An address with its routes, as it stands on an interface, and what of it has to go once another stands.

use std::net::Ipv4Addr;

use crate::action::Action;
use crate::fallback::{FALLBACK_ADDRESS, FALLBACK_PREFIX};
use crate::lease::{Lease, Route};
use crate::link::LinkIndex;
use crate::settings::StaticAddress;

/// Where an address comes from. Routes of a set address are preferred to those of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Set by an administrator.
    Static,
    /// A DHCP server's lease.
    Dhcp,
    /// The fallback address.
    Fallback,
}

/// An address of an interface and the routes that use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The address.
    pub address: Ipv4Addr,
    /// Length of its network in bits.
    pub prefix: u8,
    /// Routes beyond its own network, the default route among them.
    pub routes: Vec<Route>,
    /// Where it comes from.
    pub origin: Origin,
}

impl Assignment {
    /// The fallback address: no routes beyond its own network.
    #[must_use]
    pub fn fallback() -> Self {
        Self {
            address: FALLBACK_ADDRESS,
            prefix: FALLBACK_PREFIX,
            routes: Vec::new(),
            origin: Origin::Fallback,
        }
    }

    pub(crate) fn has_default_route(&self) -> bool {
        self.routes.iter().any(|route| route.prefix == 0)
    }

    /// What of this one has to go from the interface on which `new` stands already.
    pub(crate) fn leave_to(self, index: LinkIndex, new: &Self) -> Vec<Action> {
        if self.address != new.address {
            return vec![Action::Withdraw(index, self)];
        }
        let replaced = |route: &Route| {
            let same = |other: &Route| (other.destination, other.prefix) == (route.destination, route.prefix);
            self.origin == new.origin && new.routes.iter().any(same)
        };
        let gone: Vec<_> = self
            .routes
            .iter()
            .copied()
            .filter(|route| !replaced(route))
            .collect();
        let left = Self { routes: gone, ..self };
        if left.prefix != new.prefix {
            vec![Action::Withdraw(index, left)]
        } else if left.routes.is_empty() {
            Vec::new()
        } else {
            vec![Action::RemoveRoutes(index, left)]
        }
    }
}

impl From<&Lease> for Assignment {
    fn from(lease: &Lease) -> Self {
        Self {
            address: lease.address,
            prefix: lease.prefix,
            routes: lease.routes.clone(),
            origin: Origin::Dhcp,
        }
    }
}

impl From<&StaticAddress> for Assignment {
    fn from(set: &StaticAddress) -> Self {
        Self {
            address: set.address,
            prefix: set.prefix,
            routes: set.gateway.map(Route::default_via).into_iter().collect(),
            origin: Origin::Static,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(last: u8, prefix: u8, gateway: Option<u8>) -> Assignment {
        Assignment::from(&StaticAddress {
            address: Ipv4Addr::new(192, 0, 2, last),
            prefix,
            gateway: gateway.map(|last| Ipv4Addr::new(192, 0, 2, last)),
        })
    }

    #[test]
    fn another_address_takes_the_whole_place() {
        let old = set(5, 24, Some(1));
        let gone = old.clone().leave_to(1, &set(6, 24, Some(1)));
        assert_eq!(gone, [Action::Withdraw(1, old)]);
    }

    #[test]
    fn of_the_same_address_only_the_difference_goes() {
        let old = set(5, 24, Some(1));
        assert_eq!(
            old.clone().leave_to(1, &set(5, 24, Some(9))),
            [],
            "the route was replaced"
        );
        let without = set(5, 24, None);
        assert_eq!(
            old.clone().leave_to(1, &without),
            [Action::RemoveRoutes(1, old.clone())]
        );
        let wider = old.clone().leave_to(1, &set(5, 16, Some(1)));
        assert_eq!(wider, [Action::Withdraw(1, set(5, 24, None))]);
        let leased = Assignment {
            origin: Origin::Dhcp,
            ..old.clone()
        };
        assert_eq!(
            leased.clone().leave_to(1, &old),
            [Action::RemoveRoutes(1, leased)]
        );
    }
}
