//! One interface: how it is to get its address, the address that stands on it, and that address's guard.
//!
//! One address stands at a time. While it is not the one that is wanted, it waits for its successor, which is put
//! beside it before it goes (`DECISION-settings.md`).

use std::net::Ipv4Addr;

use crate::acd::{Acd, Outcome};
use crate::action::Action;
use crate::assignment::Assignment;
use crate::dhcp::DhcpClient;
use crate::event::Moment;
use crate::lease::Lease;
use crate::link::{LinkInfo, MacAddress};
use crate::random::Random;
use crate::report::Report;
use crate::settings::{Ipv4Mode, StaticAddress};
use crate::wire::{ArpPacket, Reply};

mod fixed;
mod leased;
mod standing;

use fixed::Claim;
use leased::Candidate;
use standing::{Holding, Standing};

/// What stands in the way of an interface, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No carrier.
    NoCarrier,
    /// No DHCP server answers.
    NoServer,
    /// The leased address is in use by this host; another is being asked for.
    LeaseConflict(MacAddress),
    /// The static address is in use by this host; it is tried again.
    StaticConflict(Ipv4Addr, MacAddress),
    /// The fallback address is in use by this host.
    FallbackConflict(MacAddress),
}

/// An interface as it stands, for display.
#[derive(Clone, Debug)]
pub struct InterfaceView {
    /// Identity, carrier, speed.
    pub link: LinkInfo,
    /// The lease installed on it.
    pub lease: Option<Lease>,
    /// The static address installed on it.
    pub fixed: Option<StaticAddress>,
    /// Whether it has the fallback address.
    pub fallback: bool,
    /// What stands in its way.
    pub problem: Option<Problem>,
}

#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) link: LinkInfo,
    pub(crate) carrier_since: Option<Moment>,
    mode: Ipv4Mode,
    standing: Option<Standing>,
    dhcp: DhcpClient,
    /// A lease on its way to be installed.
    candidate: Option<Candidate>,
    /// The address last declined, and who had it.
    declined: Option<(Ipv4Addr, MacAddress)>,
    /// The static address on its way to be installed.
    claim: Claim,
}

/// What the engine has to see to itself.
#[derive(Clone, Debug)]
pub(crate) enum Upward {
    Act(Action),
    Offered(Lease),
    /// An address was installed: what cannot be beside it must go.
    Installed(Assignment),
}

impl Interface {
    pub(crate) fn new(link: LinkInfo, mode: Ipv4Mode) -> Self {
        let link = LinkInfo {
            carrier: false,
            ..link
        };
        Self {
            link,
            carrier_since: None,
            mode,
            standing: None,
            dhcp: DhcpClient::new(),
            candidate: None,
            declined: None,
            claim: Claim::Idle,
        }
    }

    pub(crate) fn mode(&self) -> Ipv4Mode {
        self.mode
    }

    pub(crate) fn name(&self) -> String {
        self.link.name.clone()
    }

    pub(crate) fn problem(&self) -> Option<Problem> {
        match self.mode {
            Ipv4Mode::Off => None,
            _ if !self.link.carrier => Some(Problem::NoCarrier),
            Ipv4Mode::Static(set) => self
                .claim
                .refused_by()
                .map(|owner| Problem::StaticConflict(set.address, owner)),
            Ipv4Mode::Dhcp => match self.declined {
                Some((_, owner)) if self.leased().is_none() => Some(Problem::LeaseConflict(owner)),
                _ => self.dhcp.is_unanswered().then_some(Problem::NoServer),
            },
        }
    }

    pub(crate) fn deadline(&self) -> Option<Moment> {
        let guard = self
            .standing
            .as_ref()
            .and_then(|standing| standing.guard.as_ref());
        let candidate = self.candidate.as_ref().map(|candidate| &candidate.guard);
        let guards = guard.into_iter().chain(candidate).filter_map(Acd::deadline);
        self.dhcp
            .deadline()
            .into_iter()
            .chain(self.claim.deadline())
            .chain(guards)
            .min()
    }

    /// The link changed; carrier starts and stops everything.
    pub(crate) fn on_link(&mut self, link: LinkInfo, now: Moment, random: &mut Random) -> Vec<Upward> {
        let (before, after) = (self.link.carrier, link.carrier);
        self.link = link;
        match (before, after) {
            (false, true) => self.carrier_up(now, random),
            (true, false) => self.carrier_down(),
            _ => Vec::new(),
        }
    }

    fn carrier_up(&mut self, now: Moment, random: &mut Random) -> Vec<Upward> {
        self.carrier_since = Some(now);
        let mut upward = vec![report(Report::LinkUp {
            link: self.name(),
            speed: self.link.speed,
        })];
        let mac = self.link.mac;
        if let Some(standing) = &mut self.standing {
            standing.guard = Some(Acd::claim(mac, standing.holding.address(), now));
        }
        let mut out = Vec::new();
        match self.mode {
            Ipv4Mode::Dhcp => self.dhcp.start(now, random, &mut out),
            Ipv4Mode::Static(_) | Ipv4Mode::Off => self.dhcp.hold(now, &mut out),
        }
        upward.extend(self.digest(out, now, random));
        upward.extend(self.pursue(now, random));
        upward.extend(self.guard_time(now, random));
        upward
    }

    fn carrier_down(&mut self) -> Vec<Upward> {
        self.carrier_since = None;
        self.dhcp.stop();
        if let Some(standing) = &mut self.standing {
            standing.guard = None;
        }
        self.candidate = None;
        self.claim = Claim::Idle;
        vec![report(Report::LinkDown { link: self.name() })]
    }

    /// Another mode: what stands stays until its successor does, except when none is wanted.
    pub(crate) fn set_mode(&mut self, mode: Ipv4Mode, now: Moment, random: &mut Random) -> Vec<Upward> {
        if mode == self.mode {
            return Vec::new();
        }
        self.mode = mode;
        self.candidate = None;
        self.declined = None;
        let mut upward = vec![report(Report::ModeSet {
            link: self.name(),
            mode,
        })];
        upward.extend(match mode {
            Ipv4Mode::Dhcp => self.ask_for_lease(now, random),
            Ipv4Mode::Static(_) => self.keep_lease(now, random),
            Ipv4Mode::Off => self.shut_down(now, random),
        });
        upward.extend(self.pursue(now, random));
        upward
    }

    pub(crate) fn on_reply(&mut self, reply: &Reply, now: Moment, random: &mut Random) -> Vec<Upward> {
        if reply.client != self.link.mac || !self.link.carrier {
            return Vec::new();
        }
        let mut out = Vec::new();
        self.dhcp.on_reply(reply, now, random, &mut out);
        let mut upward = self.digest(out, now, random);
        upward.extend(self.pursue(now, random));
        upward
    }

    pub(crate) fn on_arp(&mut self, packet: &ArpPacket, now: Moment, random: &mut Random) -> Vec<Upward> {
        self.guards(now, random, |guard, _| guard.on_arp(packet, now))
    }

    pub(crate) fn on_time(&mut self, now: Moment, random: &mut Random) -> Vec<Upward> {
        let mut out = Vec::new();
        self.dhcp.on_time(now, random, &mut out);
        let mut upward = self.digest(out, now, random);
        upward.extend(self.guard_time(now, random));
        upward
    }

    /// Gives everything back.
    pub(crate) fn shut_down(&mut self, now: Moment, random: &mut Random) -> Vec<Upward> {
        self.claim = Claim::Idle;
        let mut upward = self.release(now, random);
        upward.extend(self.withdraw());
        upward
    }

    fn guard_time(&mut self, now: Moment, random: &mut Random) -> Vec<Upward> {
        self.guards(now, random, |guard, random| guard.on_time(now, random))
    }

    /// Asks every guard, and does what follows.
    fn guards(
        &mut self,
        now: Moment,
        random: &mut Random,
        mut ask: impl FnMut(&mut Acd, &mut Random) -> Vec<Outcome>,
    ) -> Vec<Upward> {
        let mut of = |guard: Option<&mut Acd>, random: &mut Random| {
            guard.map(|guard| ask(guard, random)).unwrap_or_default()
        };
        let guard = self
            .standing
            .as_mut()
            .and_then(|standing| standing.guard.as_mut());
        let of_standing = of(guard, random);
        let of_candidate = of(
            self.candidate.as_mut().map(|candidate| &mut candidate.guard),
            random,
        );
        let of_claim = of(self.claim.guard(), random);
        let mut upward = self.judge_standing(of_standing, now, random);
        upward.extend(self.judge_candidate(of_candidate, now, random));
        upward.extend(self.judge_claim(of_claim, now, random));
        upward.extend(self.pursue(now, random));
        upward
    }
}

fn report(report: Report) -> Upward {
    Upward::Act(Action::Report(report))
}
