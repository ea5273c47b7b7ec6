//! Addresses and routes as the kernel has them after the engine's actions.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use sps_net_engine::{Assignment, LinkIndex, Origin, Route};

#[derive(Default)]
pub(crate) struct Kernel {
    cards: BTreeMap<LinkIndex, Card>,
}

/// A route's key is what the kernel replaces by: destination and metric, which follows from the origin.
#[derive(Debug, Default, PartialEq, Eq)]
struct Card {
    addresses: BTreeSet<(Ipv4Addr, u8)>,
    routes: BTreeMap<(Origin, Ipv4Addr, u8), (Option<Ipv4Addr>, Ipv4Addr)>,
}

fn key(of: &Assignment, route: &Route) -> (Origin, Ipv4Addr, u8) {
    (of.origin, route.destination, route.prefix)
}

impl Card {
    fn of(assignment: &Assignment) -> Self {
        let mut card = Self::default();
        card.install(assignment);
        card
    }

    fn install(&mut self, new: &Assignment) {
        self.addresses.insert((new.address, new.prefix));
        for route in &new.routes {
            self.routes.insert(key(new, route), (route.via, new.address));
        }
    }
}

impl Kernel {
    pub(crate) fn has(&self, index: LinkIndex, address: Ipv4Addr) -> bool {
        let card = self.cards.get(&index);
        card.is_some_and(|card| card.addresses.iter().any(|(known, _)| *known == address))
    }

    pub(crate) fn install(&mut self, index: LinkIndex, new: &Assignment) {
        self.cards.entry(index).or_default().install(new);
    }

    pub(crate) fn remove_routes(&mut self, index: LinkIndex, old: &Assignment) -> Result<(), String> {
        let card = self.cards.entry(index).or_default();
        for route in &old.routes {
            if card.routes.remove(&key(old, route)) != Some((route.via, old.address)) {
                return Err(format!(
                    "tidiness: {route:?} of {old:?} removed from {index}, not there"
                ));
            }
        }
        Ok(())
    }

    /// The kernel takes the routes from an address with it.
    pub(crate) fn withdraw(&mut self, index: LinkIndex, old: &Assignment) -> Result<(), String> {
        let card = self.cards.entry(index).or_default();
        if !card.addresses.remove(&(old.address, old.prefix)) {
            return Err(format!("tidiness: {old:?} withdrawn from {index}, not there"));
        }
        for route in &old.routes {
            if card.routes.get(&key(old, route)) == Some(&(route.via, old.address)) {
                card.routes.remove(&key(old, route));
            }
        }
        if !self.has(index, old.address) {
            let card = self.cards.entry(index).or_default();
            card.routes.retain(|_, (_, source)| *source != old.address);
        }
        Ok(())
    }

    /// The interface has exactly this.
    pub(crate) fn shows(&self, index: LinkIndex, shown: Option<&Assignment>) -> Result<(), String> {
        let nothing = Card::default();
        let card = self.cards.get(&index).unwrap_or(&nothing);
        let expected = shown.map(Card::of).unwrap_or_default();
        if *card == expected {
            Ok(())
        } else {
            Err(format!(
                "truth: {index} shows {expected:?}, the kernel has {card:?}"
            ))
        }
    }

    pub(crate) fn static_default_routes(&self) -> usize {
        let routes = self.cards.values().flat_map(|card| card.routes.keys());
        routes
            .filter(|(origin, _, prefix)| *origin == Origin::Static && *prefix == 0)
            .count()
    }

    /// How many interfaces have the address.
    pub(crate) fn owners(&self, address: Ipv4Addr) -> usize {
        self.cards
            .keys()
            .filter(|index| self.has(**index, address))
            .count()
    }
}
