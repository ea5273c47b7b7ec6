//! The whole node: its interfaces and the fallback address, one event at a time.

use std::collections::BTreeMap;

use crate::action::Action;
use crate::assignment::Assignment;
use crate::event::{Event, Moment};
use crate::fallback::{Candidate, FALLBACK_ADDRESS, Fallback, Gate};
use crate::interface::{Interface, InterfaceView, Problem, Upward};
use crate::lease::Lease;
use crate::link::{LinkIndex, LinkInfo};
use crate::random::Random;
use crate::report::Report;
use crate::settings::{Ipv4Mode, Settings};
use crate::wire::ArpPacket;

/// Most interfaces that are managed: a chassis with four quad cards and room to spare. Others are left alone.
const MAX_INTERFACES: usize = 64;

/// The network of one node.
#[derive(Clone, Debug)]
pub struct Engine {
    random: Random,
    settings: Settings,
    interfaces: BTreeMap<LinkIndex, Interface>,
    fallback: Fallback,
    /// The first list of interfaces is complete.
    listed: bool,
    /// It was said that there is no interface.
    said_none: bool,
    down: bool,
}

impl Engine {
    /// A node without interfaces; they come as events. `seed` spreads delays and transaction ids.
    #[must_use]
    pub fn new(settings: &Settings, seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            settings: settings.clone(),
            interfaces: BTreeMap::new(),
            fallback: Fallback::new(settings.fallback, settings.fallback_after),
            listed: false,
            said_none: false,
            down: false,
        }
    }

    /// The next moment at which [`Event::Time`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        if self.down {
            return None;
        }
        let interfaces = self.interfaces.values().filter_map(Interface::deadline);
        interfaces.chain(self.fallback.deadline(&self.candidates())).min()
    }

    /// The interfaces in their order.
    #[must_use]
    pub fn view(&self) -> Vec<InterfaceView> {
        let held = self.fallback.held_on();
        let mut views: Vec<_> = self.interfaces.values().map(|i| self.view_of(i, held)).collect();
        views.sort_by(|a, b| a.link.order().cmp(&b.link.order()));
        views
    }

    fn view_of(&self, interface: &Interface, held: Option<LinkIndex>) -> InterfaceView {
        let index = interface.link.index;
        let refused = self.fallback.refused_by(index).map(Problem::FallbackConflict);
        let problem = match interface.problem() {
            Some(Problem::NoServer) => refused.or(Some(Problem::NoServer)),
            other => other,
        };
        InterfaceView {
            link: interface.link.clone(),
            lease: interface.leased().cloned(),
            fixed: interface.fixed(),
            fallback: held == Some(index),
            problem,
        }
    }

    /// Takes one event; the actions are to be executed in order.
    pub fn step(&mut self, event: Event, now: Moment) -> Vec<Action> {
        if self.down {
            return Vec::new();
        }
        let mut actions = self.take(event, now);
        if !self.down {
            let addressed = self.interfaces.values().any(Interface::is_addressed);
            let candidates = self.candidates();
            actions.extend(
                self.fallback
                    .consider(&candidates, addressed, now, &mut self.random),
            );
            actions.extend(self.say_none());
        }
        actions
    }

    fn take(&mut self, event: Event, now: Moment) -> Vec<Action> {
        match event {
            Event::Link(link) => self.on_link(link, now),
            Event::LinkGone(index) => self.on_gone(index),
            Event::Listed => {
                self.listed = true;
                Vec::new()
            }
            Event::Dhcp(index, reply) => self.with(index, now, |interface, random| {
                interface.on_reply(&reply, now, random)
            }),
            Event::Arp(index, packet) => self.on_arp(index, &packet, now),
            Event::Settings(settings) => self.on_settings(settings, now),
            Event::FallbackUse { in_use } => self.on_use(in_use, now),
            Event::Time => self.on_time(now),
            Event::Shutdown => self.on_shutdown(now),
        }
    }

    fn on_link(&mut self, link: LinkInfo, now: Moment) -> Vec<Action> {
        let index = link.index;
        let mut actions = Vec::new();
        let changed_card = self
            .interfaces
            .get(&index)
            .is_some_and(|known| known.link.mac != link.mac);
        if changed_card {
            actions.extend(self.on_gone(index));
        }
        if !self.interfaces.contains_key(&index) {
            if self.interfaces.len() >= MAX_INTERFACES {
                return actions;
            }
            self.interfaces.insert(
                index,
                Interface::new(link.clone(), self.settings.mode(&link.name)),
            );
            actions.push(Action::BringUp(index));
        }
        let mode = self.settings.mode(&link.name);
        actions.extend(self.with(index, now, |interface, random| {
            interface.on_link(link, now, random)
        }));
        // Another name may mean another mode.
        actions.extend(self.with(index, now, |interface, random| {
            interface.set_mode(mode, now, random)
        }));
        actions.extend(self.settle_fallback(now));
        actions
    }

    fn on_settings(&mut self, settings: Settings, now: Moment) -> Vec<Action> {
        let renamed = settings.hostname != self.settings.hostname;
        self.fallback.set(settings.fallback, settings.fallback_after);
        self.settings = settings;
        let mut modes: Vec<_> = self
            .interfaces
            .values()
            .map(|known| (known.link.index, self.settings.mode(&known.link.name)))
            .collect();
        // Whoever loses the default gateway knows it before the one that gets it asks for way.
        modes.sort_by_key(|(_, mode)| mode.gateway().is_some());
        let mut actions = Vec::new();
        for (index, mode) in modes {
            actions.extend(self.with(index, now, |interface, random| {
                let mut upward = interface.set_mode(mode, now, random);
                if renamed {
                    upward.extend(interface.renew(now, random));
                }
                upward
            }));
        }
        actions.extend(self.settle_fallback(now));
        actions
    }

    /// The fallback address where settings want it gone, or to stay as a static one.
    fn settle_fallback(&mut self, now: Moment) -> Vec<Action> {
        let held = self.fallback.held_on();
        let Some((index, interface)) = held.and_then(|index| Some((index, self.interfaces.get(&index)?)))
        else {
            return Vec::new();
        };
        match interface.mode() {
            Ipv4Mode::Off => self.fallback.leave("no address is set for its interface"),
            Ipv4Mode::Dhcp if !self.settings.fallback => self.fallback.leave("it is no longer set"),
            Ipv4Mode::Static(set) if set.address == FALLBACK_ADDRESS => {
                let Some(guard) = self.fallback.hand_over() else {
                    return Vec::new();
                };
                self.with(index, now, |interface, random| {
                    interface.adopt_fallback(guard, now, random)
                })
            }
            Ipv4Mode::Dhcp | Ipv4Mode::Static(_) => Vec::new(),
        }
    }

    fn on_gone(&mut self, index: LinkIndex) -> Vec<Action> {
        self.fallback.link_gone(index);
        let gone = self.interfaces.remove(&index);
        gone.map(|interface| {
            Action::Report(Report::LinkGone {
                link: interface.name(),
            })
        })
        .into_iter()
        .collect()
    }

    fn on_arp(&mut self, index: LinkIndex, packet: &ArpPacket, now: Moment) -> Vec<Action> {
        // Two of our own cards on one network are no conflict.
        if self
            .interfaces
            .values()
            .any(|interface| interface.link.mac == packet.sender_mac)
        {
            return Vec::new();
        }
        let mut actions = self.with(index, now, |interface, random| {
            interface.on_arp(packet, now, random)
        });
        actions.extend(self.fallback.on_arp(index, packet, now, &mut self.random));
        actions
    }

    fn on_use(&mut self, in_use: bool, now: Moment) -> Vec<Action> {
        let (offer, mut actions) = self.fallback.on_use(in_use, now);
        if let Some((index, lease)) = offer {
            actions.extend(self.with(index, now, |interface, random| {
                interface.accept(lease, now, random)
            }));
        }
        actions
    }

    fn on_time(&mut self, now: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        for index in self.indices() {
            actions.extend(self.with(index, now, |interface, random| interface.on_time(now, random)));
        }
        actions.extend(self.fallback.on_time(now, &mut self.random));
        actions
    }

    fn on_shutdown(&mut self, now: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        for index in self.indices() {
            actions.extend(self.with(index, now, |interface, random| interface.shut_down(now, random)));
        }
        actions.extend(self.fallback.leave("shutting down"));
        self.down = true;
        actions
    }

    fn indices(&self) -> Vec<LinkIndex> {
        self.interfaces.keys().copied().collect()
    }

    /// Lets an interface do something and sees to what concerns the node.
    fn with(
        &mut self,
        index: LinkIndex,
        now: Moment,
        act: impl FnOnce(&mut Interface, &mut Random) -> Vec<Upward>,
    ) -> Vec<Action> {
        let Some(interface) = self.interfaces.get_mut(&index) else {
            return Vec::new();
        };
        let mut actions = Vec::new();
        for upward in act(interface, &mut self.random) {
            match upward {
                Upward::Act(action) => actions.push(action),
                Upward::Installed(new) => actions.extend(self.on_installed(index, &new, now)),
                Upward::Offered(lease) => actions.extend(self.on_offer(index, lease, now)),
            }
        }
        actions
    }

    fn on_installed(&mut self, index: LinkIndex, new: &Assignment, now: Moment) -> Vec<Action> {
        let mut actions = self.fallback.make_room(index, new);
        for other in self.indices().into_iter().filter(|other| *other != index) {
            actions.extend(self.with(other, now, |interface, _| interface.make_way(new)));
        }
        actions
    }

    fn on_offer(&mut self, index: LinkIndex, lease: Lease, now: Moment) -> Vec<Action> {
        let (gate, mut actions) = self.fallback.gate(index, lease);
        if let Gate::Accept(lease) = gate {
            actions.extend(self.with(index, now, |interface, random| {
                interface.accept(lease, now, random)
            }));
        }
        actions
    }

    /// The interfaces with carrier, in order.
    fn candidates(&self) -> Vec<Candidate> {
        let mut live: Vec<_> = self
            .interfaces
            .values()
            .filter(|i| i.carrier_since.is_some())
            .collect();
        live.sort_by(|a, b| a.link.order().cmp(&b.link.order()));
        live.into_iter()
            .map(|interface| Candidate {
                index: interface.link.index,
                name: interface.name(),
                mac: interface.link.mac,
                carrier_since: interface.carrier_since.unwrap_or_default(),
                eligible: interface.mode() == Ipv4Mode::Dhcp,
            })
            .collect()
    }

    fn say_none(&mut self) -> Option<Action> {
        let none = self.listed && self.interfaces.is_empty();
        let news = none && !self.said_none;
        self.said_none = none;
        news.then_some(Action::Report(Report::NoInterface))
    }
}
