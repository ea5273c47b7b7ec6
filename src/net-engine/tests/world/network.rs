//! A simulated network around the engine: hosts that answer ARP, a DHCP server per cable, and a wire that loses,
//! repeats and delays.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use sps_net_engine::wire::{ArpOperation, ArpPacket, Reply};
use sps_net_engine::{
    Action, ClientMessage, Engine, Event, FALLBACK_ADDRESS, InterfaceView, Ipv4Mode, LinkIndex, LinkInfo,
    MacAddress, Moment, Problem, Report, Settings,
};

use super::invariants::{Invariants, link_name, standing, undisturbed};
use super::plan::{Dice, Plan, QUIET_DELAY};
use super::server::Server;
use super::settings;

/// Longest silence of an engine that has something to do: its longest retry and a half.
const LIVENESS: Duration = Duration::from_secs(400);

/// Most steps of one second: far above what packets and timers can make of it.
const MOST_STEPS: u32 = 10_000;
/// Lines of the event log that are kept.
const LOG: usize = 20_000;

/// A cable: its server and the hosts on it.
pub(crate) struct Cable {
    pub(crate) server: Server,
    /// Addresses in use by others.
    pub(crate) taken: BTreeSet<Ipv4Addr>,
    pub(crate) carrier: bool,
}

pub(crate) struct World {
    seed: u64,
    plan: Plan,
    engine: Engine,
    dice: Dice,
    now: Moment,
    cables: BTreeMap<LinkIndex, Cable>,
    /// Events on their way, by arrival; the number keeps equal moments in order.
    mail: BTreeMap<(Moment, u64), Event>,
    sent: u64,
    person_connected: bool,
    invariants: Invariants,
    log: Vec<String>,
    loud: bool,
    calm: bool,
}

pub(crate) fn host_mac(address: Ipv4Addr) -> MacAddress {
    let [a, b, c, d] = address.octets();
    MacAddress([6, 0, a, b, c, d])
}

impl World {
    pub(crate) fn new(seed: u64, plan: Plan, loud: bool) -> Self {
        let mut dice = Dice::new(seed);
        let cables = (1..=plan.cards)
            .map(|index| (index, cable(index, &plan, &mut dice)))
            .collect();
        let mut world = Self {
            seed,
            engine: Engine::new(&Settings::default(), seed),
            dice,
            plan,
            now: Duration::ZERO,
            cables,
            mail: BTreeMap::new(),
            sent: 0,
            person_connected: false,
            invariants: Invariants::default(),
            log: Vec::new(),
            loud,
            calm: false,
        };
        for index in 1..=world.plan.cards {
            world.set_carrier(index, true);
        }
        world.give(Event::Listed);
        world
    }

    /// Runs for so long with disturbances.
    pub(crate) fn chaos(&mut self, length: Duration) {
        let end = self.now + length;
        while self.now < end {
            if self.plan.disturbances > 0 && self.dice.roll(60) < self.plan.disturbances {
                self.disturb();
            }
            let until = end.min(self.now + Duration::from_secs(1));
            self.run_to(until);
        }
    }

    /// Everything heals: in bounded time every card must have what can be had.
    pub(crate) fn calm_down(&mut self) {
        self.calm = true;
        self.person_connected = false;
        for index in 1..=self.plan.cards {
            self.set_carrier(index, true);
        }
        let end = self.now + LIVENESS;
        while self.now < end && !self.satisfied() {
            self.squatters_speak();
            self.run_to(self.now + Duration::from_secs(5));
        }
        if !self.satisfied() {
            self.fail("liveness: healed network, but no address that could be had");
        }
        // And it stays so.
        self.run_to(self.now + Duration::from_secs(120));
        if !self.satisfied() {
            self.fail("stability: an address was lost again on a healed network");
        }
    }

    pub(crate) fn run_until_leased(&mut self, patience: Duration) -> Moment {
        while self.now < patience && !self.engine.view().iter().any(|view| view.lease.is_some()) {
            self.run_to(self.now + Duration::from_millis(1));
        }
        self.now
    }

    fn satisfied(&self) -> bool {
        let views = self.engine.view();
        let settings = &self.invariants.settings;
        let addressed = views
            .iter()
            .any(|view| view.lease.is_some() || view.fixed.is_some());
        let free = views.iter().any(|view| {
            settings.mode(&view.link.name) == Ipv4Mode::Dhcp && !self.is_taken(view, FALLBACK_ADDRESS)
        });
        let held = views.iter().filter(|view| view.fallback).count();
        let due = settings.fallback && !addressed && free;
        views.iter().all(|view| self.settled(view)) && held == usize::from(due)
    }

    /// The interface has what is wanted, or as much of it as can be had.
    fn settled(&self, view: &InterfaceView) -> bool {
        match self.invariants.settings.mode(&view.link.name) {
            Ipv4Mode::Off => standing(view).is_empty() && view.problem.is_none(),
            Ipv4Mode::Dhcp if self.plan.server => view.lease.is_some(),
            Ipv4Mode::Dhcp => view.lease.is_none(),
            Ipv4Mode::Static(set) if self.is_taken(view, set.address) => {
                view.problem == Some(Problem::StaticConflict(set.address, host_mac(set.address)))
                    && standing(view).iter().all(|other| other.address != set.address)
            }
            Ipv4Mode::Static(set) => view.fixed == Some(set) && view.problem.is_none(),
        }
    }

    fn is_taken(&self, view: &InterfaceView, address: Ipv4Addr) -> bool {
        let cable = self.cables.get(&view.link.index);
        cable.is_some_and(|cable| cable.taken.contains(&address))
    }

    /// Delivers what arrives and wakes the engine when it asked for it, until `end`.
    fn run_to(&mut self, end: Moment) {
        let mut steps = 0;
        loop {
            steps += 1;
            if steps > MOST_STEPS {
                self.fail("rest: the engine asks for time without end");
            }
            let mail = self.mail.keys().next().map(|key| key.0);
            let Some(next) = mail
                .into_iter()
                .chain(self.engine.deadline())
                .min()
                .filter(|at| *at <= end)
            else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            if mail.is_some_and(|at| at <= self.now) {
                if let Some((_, event)) = self.mail.pop_first() {
                    self.deliver(event);
                }
            } else {
                self.give(Event::Time);
            }
        }
    }

    /// A packet arrives, if the cable is still in.
    fn deliver(&mut self, event: Event) {
        let cable = match &event {
            Event::Dhcp(index, _) | Event::Arp(index, _) => self.cables.get(index),
            _ => None,
        };
        if cable.is_none_or(|cable| cable.carrier) {
            self.give(event);
        }
    }

    fn give(&mut self, event: Event) {
        self.note(&format!("event {event:?}"));
        if let Event::Arp(index, packet) = &event {
            self.invariants.heard(*index, packet, self.now);
        }
        let actions = self.step(event);
        for action in actions {
            self.note(&format!("  action {action:?}"));
            if let Err(broken) = self.invariants.acted(&action, self.now) {
                self.fail(&broken);
            }
            self.carry_out(action);
        }
        if let Err(broken) = self.invariants.hold(&self.engine.view()) {
            self.fail(&broken);
        }
    }

    fn step(&mut self, event: Event) -> Vec<Action> {
        let Event::Settings(new) = &event else {
            return self.engine.step(event, self.now);
        };
        let (before, views) = (self.invariants.settings.clone(), self.engine.view());
        self.invariants.settings = new.clone();
        let actions = self.engine.step(event, self.now);
        if let Err(broken) = undisturbed(&views, (&before, &self.invariants.settings), &actions) {
            self.fail(&broken);
        }
        actions
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::SendDhcp(index, message, _) => self.ask_server(index, &message),
            Action::SendArp(index, packet) => self.ask_hosts(index, &packet),
            Action::AskFallbackUse => {
                let event = Event::FallbackUse {
                    in_use: self.person_connected,
                };
                self.post(event, Duration::ZERO);
            }
            Action::Report(Report::FallbackLeft { .. }) => self.person_connected = false,
            _ => {}
        }
    }

    fn ask_server(&mut self, index: LinkIndex, message: &ClientMessage) {
        if !self.plan.server || self.lost() {
            return;
        }
        let odds = if self.calm {
            (0, 0)
        } else {
            (self.plan.refusals, self.plan.nonsense)
        };
        let Some(cable) = self.cables.get_mut(&index) else {
            return;
        };
        let replies: Vec<Reply> = cable.server.answer(message, own_mac(index), odds, &mut self.dice);
        for reply in replies {
            self.send(&Event::Dhcp(index, reply));
        }
    }

    fn ask_hosts(&mut self, index: LinkIndex, packet: &ArpPacket) {
        let Some(cable) = self.cables.get(&index) else {
            return;
        };
        // In the calm phase ARP is reliable, so that an address in use is always found out.
        if !cable.taken.contains(&packet.target) || self.lost() {
            return;
        }
        self.send(&Event::Arp(index, claim(packet.target)));
    }

    fn lost(&mut self) -> bool {
        !self.calm && self.dice.odds(self.plan.loss)
    }

    /// Over the wire to the engine.
    fn send(&mut self, event: &Event) {
        if self.lost() {
            return;
        }
        let copies = if !self.calm && self.dice.odds(self.plan.duplicates) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let longest = u64::try_from(self.plan.longest_delay.as_millis()).unwrap();
            // Most answers come at once, some late.
            let late = !self.calm && self.dice.odds(20);
            let delay = if late {
                Duration::from_millis(self.dice.roll(longest + 1))
            } else {
                QUIET_DELAY
            };
            self.post(event.clone(), delay);
        }
    }

    fn post(&mut self, event: Event, delay: Duration) {
        self.sent += 1;
        self.mail.insert((self.now + delay, self.sent), event);
    }

    fn disturb(&mut self) {
        let index = LinkIndex::try_from(self.dice.roll(self.plan.cards.into())).unwrap() + 1;
        if self.plan.changes > 0 && self.dice.odds(self.plan.changes) {
            if self.dice.odds(20) {
                self.others_leave(index);
            }
            let settings = settings::draw(self.plan.cards, &mut self.dice);
            return self.give(Event::Settings(settings));
        }
        match self.dice.roll(5) {
            0 => self.set_carrier(index, false),
            1 => self.set_carrier(index, true),
            2 => self.person_connected = self.engine.view().iter().any(|view| view.fallback),
            3 => self.person_connected = false,
            _ => self.squat(index),
        }
    }

    /// Another host takes the address this card has, or the fallback address, and says so.
    fn squat(&mut self, index: LinkIndex) {
        let address = match self.address(index) {
            Some(address) if self.dice.odds(50) => address,
            _ => FALLBACK_ADDRESS,
        };
        if let Some(cable) = self.cables.get_mut(&index) {
            cable.taken.insert(address);
            cable.server.avoid(address);
        }
        self.send(&Event::Arp(index, claim(address)));
    }

    /// The other hosts of a cable are switched off.
    fn others_leave(&mut self, index: LinkIndex) {
        if let Some(cable) = self.cables.get_mut(&index) {
            cable.taken.clear();
        }
    }

    /// Hosts whose address a card has taken use it: whoever uses an address claims it again and again.
    fn squatters_speak(&mut self) {
        for index in 1..=self.plan.cards {
            let taken = self.cables.get(&index).map(|cable| &cable.taken);
            let disputed = self
                .address(index)
                .filter(|address| taken.is_some_and(|taken| taken.contains(address)));
            if let Some(address) = disputed {
                self.send(&Event::Arp(index, claim(address)));
            }
        }
    }

    fn address(&self, index: LinkIndex) -> Option<Ipv4Addr> {
        let views = self.engine.view();
        let view = views.iter().find(|view| view.link.index == index)?;
        standing(view).first().map(|standing| standing.address)
    }

    fn set_carrier(&mut self, index: LinkIndex, carrier: bool) {
        let Some(cable) = self.cables.get_mut(&index) else {
            return;
        };
        cable.carrier = carrier;
        if !carrier {
            self.invariants.link_lost(index);
        }
        let link = LinkInfo {
            index,
            name: link_name(index),
            mac: own_mac(index),
            bus: Some(format!("0000:00:{index:02x}.0")),
            carrier,
            speed: Some(1000),
        };
        self.give(Event::Link(link));
    }

    fn note(&mut self, line: &str) {
        if self.log.len() < LOG || !self.loud {
            self.log.push(format!("{:>12.3?} {line}", self.now));
        }
        if !self.loud && self.log.len() > 200 {
            self.log.drain(..100);
        }
    }

    fn fail(&self, broken: &str) -> ! {
        let shown = if self.loud { self.log.len() } else { 60 };
        let tail = self
            .log
            .iter()
            .skip(self.log.len().saturating_sub(shown))
            .cloned()
            .collect::<Vec<_>>()
            .join("\n");
        panic!(
            "seed {}: {broken}\n{tail}\nreplay: SPS_NET_SEED={} cargo test -p sps-net-engine --test simulation",
            self.seed, self.seed
        );
    }
}

fn own_mac(index: LinkIndex) -> MacAddress {
    MacAddress([2, 0, 0, 0, 0, u8::try_from(index).unwrap()])
}

fn claim(address: Ipv4Addr) -> ArpPacket {
    let operation = ArpOperation::Reply;
    let (sender_mac, target) = (host_mac(address), address);
    ArpPacket {
        operation,
        sender_mac,
        sender: address,
        target_mac: MacAddress::BROADCAST,
        target,
    }
}

fn cable(index: LinkIndex, plan: &Plan, dice: &mut Dice) -> Cable {
    let server = Server::new(index);
    let taken: BTreeSet<_> = server
        .pool()
        .into_iter()
        .filter(|_| dice.odds(plan.squatters))
        .collect();
    let fallback = dice.odds(plan.squatters).then_some(FALLBACK_ADDRESS);
    Cable {
        server,
        taken: taken.into_iter().chain(fallback).collect(),
        carrier: false,
    }
}
