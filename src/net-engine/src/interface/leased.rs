//! The way of a lease to its interface: asked for, probed beside its first use, renewed, and lost.

use super::{Holding, Interface, Upward, report};
use crate::acd::{Acd, Outcome};
use crate::action::Action;
use crate::dhcp::{DhcpClient, Output};
use crate::event::Moment;
use crate::lease::Lease;
use crate::link::MacAddress;
use crate::random::Random;
use crate::report::Report;
use crate::settings::Ipv4Mode;

/// A lease on its way to be installed.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    lease: Lease,
    pub(super) guard: Acd,
    /// The server acknowledged it; it waits for the end of its probe, having been in use before.
    acknowledged: bool,
}

impl Interface {
    /// DHCP is wanted again. A lease that was still being kept just goes on.
    pub(super) fn ask_for_lease(&mut self, now: Moment, random: &mut Random) -> Vec<Upward> {
        let mut out = Vec::new();
        if self.link.carrier {
            self.dhcp.start(now, random, &mut out);
        }
        self.digest(out, now, random)
    }

    /// DHCP is no longer wanted: the lease that stands is kept, and renewed, until its successor stands.
    pub(super) fn keep_lease(&mut self, now: Moment, random: &mut Random) -> Vec<Upward> {
        let mut out = Vec::new();
        let leased = self.leased().map(|lease| lease.address);
        if leased.is_none() || leased != self.dhcp.held_address() {
            let mut upward = self.release(now, random);
            if leased.is_some() {
                upward.extend(self.withdraw());
            }
            return upward;
        }
        if self.link.carrier {
            self.dhcp.hold(now, &mut out);
        }
        self.digest(out, now, random)
    }

    /// Tells the server at once what is new.
    pub(crate) fn renew(&mut self, now: Moment, random: &mut Random) -> Vec<Upward> {
        let mut out = Vec::new();
        if self.mode == Ipv4Mode::Dhcp {
            self.dhcp.renew(now, random, &mut out);
        }
        self.digest(out, now, random)
    }

    /// Gives the lease back and stops the client.
    pub(super) fn release(&mut self, now: Moment, random: &mut Random) -> Vec<Upward> {
        let link = self.name();
        let held = self.dhcp.held_address();
        let mut out = Vec::new();
        self.dhcp.release(random, &mut out);
        self.dhcp = DhcpClient::new();
        let mut upward = Vec::new();
        if let Some(address) = held.filter(|_| !out.is_empty()) {
            upward.push(report(Report::Released { link, address }));
        }
        upward.extend(self.digest(out, now, random));
        upward
    }

    /// Takes an offer. The probe goes out beside the request, so that an answer to it is often here first.
    pub(crate) fn accept(&mut self, offer: Lease, now: Moment, random: &mut Random) -> Vec<Upward> {
        if self.mode != Ipv4Mode::Dhcp {
            return Vec::new();
        }
        self.consider(&offer, now);
        let mut out = Vec::new();
        self.dhcp.accept(offer, now, random, &mut out);
        let mut upward = self.guard_time(now, random);
        upward.extend(self.digest(out, now, random));
        upward
    }

    pub(super) fn digest(&mut self, out: Vec<Output>, now: Moment, random: &mut Random) -> Vec<Upward> {
        let mut upward = Vec::new();
        for output in out {
            let lost = matches!(output, Output::Refused(_) | Output::Expired(_));
            upward.extend(self.digest_one(output, now, random));
            if lost && self.mode != Ipv4Mode::Dhcp {
                // Nobody wants another.
                self.dhcp = DhcpClient::new();
                break;
            }
        }
        upward
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
        if self.standing_address().is_some_and(has) {
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
        if self.standing_address() == Some(lease.address) {
            return self.renewed(lease, now, random);
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
                upward = self.install(candidate, now, random);
            }
        }
        upward.extend(self.guard_time(now, random));
        upward
    }

    fn install(&mut self, candidate: Candidate, now: Moment, random: &mut Random) -> Vec<Upward> {
        let Candidate { lease, guard, .. } = candidate;
        self.declined = None;
        let Lease {
            address,
            prefix,
            server,
            ..
        } = lease;
        let mut upward = self.put(Holding::Lease(lease), Some(guard), now, random);
        upward.push(report(Report::Leased {
            link: self.name(),
            address,
            prefix,
            server,
        }));
        upward
    }

    /// A lease of the address that stands already, by lease or by an administrator until now.
    fn renewed(&mut self, lease: Lease, now: Moment, random: &mut Random) -> Vec<Upward> {
        self.candidate = None;
        let (link, address) = (self.name(), lease.address);
        let news = match self.leased() {
            Some(_) => Report::Renewed { link, address },
            None => Report::Leased {
                link,
                address,
                prefix: lease.prefix,
                server: lease.server,
            },
        };
        let mut upward = Vec::new();
        if self.leased() != Some(&lease) {
            let guard = self.take_guard();
            upward = self.put(Holding::Lease(lease), guard, now, random);
        }
        upward.push(report(news));
        upward
    }

    /// The lease no longer holds: its address goes when it is on the interface.
    fn forget(&mut self, lease: &Lease, why: Report) -> Vec<Upward> {
        let has = |address| address == lease.address;
        let mut upward = Vec::new();
        if self.candidate.as_ref().is_some_and(|c| has(c.lease.address)) {
            self.candidate = None;
        }
        if self.leased().is_some_and(|leased| has(leased.address)) {
            upward = self.withdraw();
        }
        upward.push(report(why));
        upward
    }

    pub(super) fn judge_candidate(
        &mut self,
        outcomes: Vec<Outcome>,
        now: Moment,
        random: &mut Random,
    ) -> Vec<Upward> {
        let mut upward = Vec::new();
        for outcome in outcomes {
            match (outcome, self.candidate.take()) {
                (Outcome::Conflict(owner), Some(candidate)) => {
                    upward.extend(self.conflict(&candidate.lease, owner, now, random));
                }
                (Outcome::Clear, Some(candidate)) if candidate.acknowledged => {
                    upward.extend(self.install(candidate, now, random));
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

    pub(super) fn conflict(
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
        if self.mode != Ipv4Mode::Dhcp {
            self.dhcp = DhcpClient::new();
        }
        if matches!(self.mode, Ipv4Mode::Static(set) if set.address == address) {
            upward.extend(self.refuse(address, owner, now, random));
        }
        upward
    }
}
