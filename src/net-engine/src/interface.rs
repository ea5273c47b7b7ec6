//! One interface: its link, its DHCP client, the lease installed on it and that address's guard.

use std::net::Ipv4Addr;

use crate::acd::{Acd, Outcome};
use crate::action::Action;
use crate::dhcp::{DhcpClient, Output};
use crate::event::Moment;
use crate::lease::Lease;
use crate::link::{LinkInfo, MacAddress};
use crate::random::Random;
use crate::report::Report;
use crate::wire::{ArpPacket, Reply};

/// What stands in the way of an interface, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No carrier.
    NoCarrier,
    /// No DHCP server answers.
    NoServer,
    /// The leased address is in use by this host; another is being asked for.
    LeaseConflict(MacAddress),
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
    /// Whether it has the fallback address.
    pub fallback: bool,
    /// What stands in its way.
    pub problem: Option<Problem>,
}

#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) link: LinkInfo,
    pub(crate) carrier_since: Option<Moment>,
    dhcp: DhcpClient,
    /// The lease whose address is on the interface.
    installed: Option<Lease>,
    /// The guard of the installed address, while there is carrier.
    guard: Option<Acd>,
    candidate: Option<Candidate>,
    /// The address last declined, and who had it.
    declined: Option<(Ipv4Addr, MacAddress)>,
}

/// A lease on its way to be installed.
#[derive(Clone, Debug)]
struct Candidate {
    lease: Lease,
    guard: Acd,
    /// The server acknowledged it; it waits for the end of its probe, having been in use before.
    acknowledged: bool,
}

/// What the engine has to see to itself.
#[derive(Clone, Debug)]
pub(crate) enum Upward {
    Act(Action),
    Offered(Lease),
    /// A lease is about to be installed: the fallback must go first where both cannot be.
    Installing(Lease),
}

impl Interface {
    pub(crate) fn new(link: LinkInfo) -> Self {
        let link = LinkInfo {
            carrier: false,
            ..link
        };
        let dhcp = DhcpClient::new();
        Self {
            link,
            carrier_since: None,
            dhcp,
            installed: None,
            guard: None,
            candidate: None,
            declined: None,
        }
    }

    pub(crate) fn leased(&self) -> Option<&Lease> {
        self.installed.as_ref()
    }

    pub(crate) fn name(&self) -> String {
        self.link.name.clone()
    }

    pub(crate) fn problem(&self) -> Option<Problem> {
        if !self.link.carrier {
            return Some(Problem::NoCarrier);
        }
        match self.declined {
            Some((_, owner)) if self.installed.is_none() => Some(Problem::LeaseConflict(owner)),
            _ => self.dhcp.is_unanswered().then_some(Problem::NoServer),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Moment> {
        let guard = self.guard.as_ref().and_then(Acd::deadline);
        let candidate = self
            .candidate
            .as_ref()
            .and_then(|candidate| candidate.guard.deadline());
        self.dhcp
            .deadline()
            .into_iter()
            .chain(guard)
            .chain(candidate)
            .min()
    }

    /// The link changed; carrier starts and stops the client.
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
        self.guard = self
            .installed
            .as_ref()
            .map(|lease| Acd::claim(mac, lease.address, now));
        let mut out = Vec::new();
        self.dhcp.start(now, random, &mut out);
        upward.extend(self.digest(out, now, random));
        upward.extend(self.guard_time(now, random));
        upward
    }

    fn carrier_down(&mut self) -> Vec<Upward> {
        self.carrier_since = None;
        self.dhcp.stop();
        self.guard = None;
        self.candidate = None;
        vec![report(Report::LinkDown { link: self.name() })]
    }

    pub(crate) fn on_reply(&mut self, reply: &Reply, now: Moment, random: &mut Random) -> Vec<Upward> {
        if reply.client != self.link.mac || !self.link.carrier {
            return Vec::new();
        }
        let mut out = Vec::new();
        self.dhcp.on_reply(reply, now, random, &mut out);
        self.digest(out, now, random)
    }

    /// Takes an offer. The probe goes out beside the request, so that an answer to it is often here first.
    pub(crate) fn accept(&mut self, offer: Lease, now: Moment, random: &mut Random) -> Vec<Upward> {
        self.consider(&offer, now);
        let mut out = Vec::new();
        self.dhcp.accept(offer, now, random, &mut out);
        let mut upward = self.guard_time(now, random);
        upward.extend(self.digest(out, now, random));
        upward
    }

    pub(crate) fn on_arp(&mut self, packet: &ArpPacket, now: Moment, random: &mut Random) -> Vec<Upward> {
        let of_installed = self
            .guard
            .as_mut()
            .map(|guard| guard.on_arp(packet, now))
            .unwrap_or_default();
        let mut upward = self.judge_installed(of_installed, now, random);
        let of_candidate = self
            .candidate
            .as_mut()
            .map(|c| c.guard.on_arp(packet, now))
            .unwrap_or_default();
        upward.extend(self.judge_candidate(of_candidate, now, random));
        upward
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
        let mut out = Vec::new();
        self.dhcp.release(random, &mut out);
        let mut upward = self.digest(out, now, random);
        upward.extend(self.withdraw());
        upward
    }

    fn guard_time(&mut self, now: Moment, random: &mut Random) -> Vec<Upward> {
        let of_installed = self
            .guard
            .as_mut()
            .map(|guard| guard.on_time(now, random))
            .unwrap_or_default();
        let mut upward = self.judge_installed(of_installed, now, random);
        let of_candidate = self
            .candidate
            .as_mut()
            .map(|c| c.guard.on_time(now, random))
            .unwrap_or_default();
        upward.extend(self.judge_candidate(of_candidate, now, random));
        upward
    }

    fn digest(&mut self, out: Vec<Output>, now: Moment, random: &mut Random) -> Vec<Upward> {
        out.into_iter()
            .flat_map(|output| self.digest_one(output, now, random))
            .collect()
    }

    fn digest_one(&mut self, output: Output, now: Moment, random: &mut Random) -> Vec<Upward> {
        let link = self.name();
        match output {
            Output::Send(message, to) => vec![Upward::Act(Action::SendDhcp(self.link.index, message, to))],
            Output::Offered(lease) => vec![Upward::Offered(lease)],
            Output::Unusable(error) => vec![report(Report::OfferUnusable { link, error })],
            Output::Acquired(lease) => self.acquired(lease, now, random),
            Output::Refused(lease) => {
                let (address, server) = (lease.address, lease.server);
                self.forget(
                    &lease,
                    Report::Refused {
                        link,
                        address,
                        server,
                    },
                )
            }
            Output::Expired(lease) => {
                let address = lease.address;
                self.forget(&lease, Report::Expired { link, address })
            }
            Output::Silent(seconds) => vec![report(Report::NoServer { link, seconds })],
        }
    }

    /// Begins to probe the address of a lease that is not on the interface yet.
    fn consider(&mut self, lease: &Lease, now: Moment) {
        let has = |address| address == lease.address;
        if self.installed.as_ref().is_some_and(|l| has(l.address)) {
            self.candidate = None;
        } else if !self.candidate.as_ref().is_some_and(|c| has(c.lease.address)) {
            let guard = Acd::claim(self.link.mac, lease.address, now);
            self.candidate = Some(Candidate {
                lease: lease.clone(),
                guard,
                acknowledged: false,
            });
        }
    }

    fn acquired(&mut self, lease: Lease, now: Moment, random: &mut Random) -> Vec<Upward> {
        if self
            .installed
            .as_ref()
            .is_some_and(|old| old.address == lease.address)
        {
            return self.renewed(lease);
        }
        self.consider(&lease, now);
        let distrusted = self.declined.is_some_and(|(address, _)| address == lease.address);
        let mut upward = Vec::new();
        if let Some(mut candidate) = self.candidate.take() {
            candidate.lease = lease;
            if distrusted && !candidate.guard.is_clear() {
                self.candidate = Some(Candidate {
                    acknowledged: true,
                    ..candidate
                });
            } else {
                upward = self.install(candidate);
            }
        }
        upward.extend(self.guard_time(now, random));
        upward
    }

    fn install(&mut self, candidate: Candidate) -> Vec<Upward> {
        let mut upward = self.withdraw();
        let Candidate { lease, guard, .. } = candidate;
        self.guard = Some(guard);
        self.installed = Some(lease.clone());
        self.declined = None;
        upward.push(Upward::Installing(lease.clone()));
        let Lease {
            address,
            prefix,
            server,
            ..
        } = lease;
        upward.push(Upward::Act(Action::InstallLease(self.link.index, lease)));
        upward.push(report(Report::Leased {
            link: self.name(),
            address,
            prefix,
            server,
        }));
        upward
    }

    fn renewed(&mut self, lease: Lease) -> Vec<Upward> {
        self.candidate = None;
        let Some(old) = self.installed.replace(lease.clone()) else {
            return Vec::new();
        };
        let (link, address) = (self.name(), lease.address);
        let mut upward = Vec::new();
        if old != lease {
            let gone = old
                .routes
                .into_iter()
                .filter(|route| !lease.routes.contains(route))
                .collect();
            upward.push(Upward::Act(Action::UpdateLease {
                link: self.link.index,
                lease,
                gone,
            }));
        }
        upward.push(report(Report::Renewed { link, address }));
        upward
    }

    /// The lease no longer holds: its address goes when it is on the interface.
    fn forget(&mut self, lease: &Lease, why: Report) -> Vec<Upward> {
        let mut upward = Vec::new();
        if self
            .candidate
            .as_ref()
            .is_some_and(|c| c.lease.address == lease.address)
        {
            self.candidate = None;
        }
        if self
            .installed
            .as_ref()
            .is_some_and(|installed| installed.address == lease.address)
        {
            upward = self.withdraw();
        }
        upward.push(report(why));
        upward
    }

    fn withdraw(&mut self) -> Vec<Upward> {
        self.guard = None;
        let index = self.link.index;
        self.installed
            .take()
            .map(|lease| Upward::Act(Action::Withdraw(index, lease.address)))
            .into_iter()
            .collect()
    }

    fn judge_installed(&mut self, outcomes: Vec<Outcome>, now: Moment, random: &mut Random) -> Vec<Upward> {
        let mut upward = Vec::new();
        for outcome in outcomes {
            match (outcome, self.installed.clone()) {
                (Outcome::Send(packet), _) => {
                    upward.push(Upward::Act(Action::SendArp(self.link.index, packet)));
                }
                (Outcome::Defended(other), Some(Lease { address, .. })) => {
                    upward.push(report(Report::Defended {
                        link: self.name(),
                        address,
                        other,
                    }));
                }
                (Outcome::Conflict(owner), Some(lease)) => {
                    upward.extend(self.conflict(&lease, owner, now, random));
                }
                (Outcome::Clear | Outcome::Defended(_) | Outcome::Conflict(_), _) => {}
            }
        }
        upward
    }

    fn judge_candidate(&mut self, outcomes: Vec<Outcome>, now: Moment, random: &mut Random) -> Vec<Upward> {
        let mut upward = Vec::new();
        for outcome in outcomes {
            match (outcome, self.candidate.take()) {
                (Outcome::Conflict(owner), Some(candidate)) => {
                    upward.extend(self.conflict(&candidate.lease, owner, now, random));
                }
                (Outcome::Clear, Some(candidate)) if candidate.acknowledged => {
                    upward.extend(self.install(candidate));
                }
                (Outcome::Send(packet), candidate) => {
                    self.candidate = candidate;
                    upward.push(Upward::Act(Action::SendArp(self.link.index, packet)));
                }
                (_, candidate) => self.candidate = candidate,
            }
        }
        upward
    }

    fn conflict(
        &mut self,
        lease: &Lease,
        owner: MacAddress,
        now: Moment,
        random: &mut Random,
    ) -> Vec<Upward> {
        let (link, address) = (self.name(), lease.address);
        self.declined = Some((address, owner));
        let mut upward = self.forget(lease, Report::LeaseConflict { link, address, owner });
        let mut out = Vec::new();
        self.dhcp.decline(lease, now, random, &mut out);
        upward.extend(self.digest(out, now, random));
        upward
    }
}

fn report(report: Report) -> Upward {
    Upward::Act(Action::Report(report))
}
