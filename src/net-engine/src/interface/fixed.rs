//! The way of a static address to its interface: probed with all waits of RFC 5227, put there, or refused and tried
//! again.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::{Holding, Interface, Standing, Upward, report};
use crate::acd::{Acd, Outcome};
use crate::action::Action;
use crate::assignment::Assignment;
use crate::event::Moment;
use crate::fallback::RETRY_AFTER_CONFLICT;
use crate::link::MacAddress;
use crate::random::Random;
use crate::report::Report;
use crate::settings::{Ipv4Mode, StaticAddress};

/// Spread of the next try: two machines that met while both were probing must not meet again in the same second.
const RETRY_SPREAD: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(super) enum Claim {
    /// It stands, cannot be probed without carrier, or none is wanted.
    Idle,
    Probing {
        guard: Acd,
        /// Who had it when it was last tried.
        owner: Option<MacAddress>,
    },
    /// Another host has it.
    Refused {
        address: Ipv4Addr,
        owner: MacAddress,
        until: Moment,
    },
}

impl Claim {
    pub(super) fn refused_by(&self) -> Option<MacAddress> {
        match self {
            Self::Refused { owner, .. } => Some(*owner),
            Self::Probing { owner, .. } => *owner,
            Self::Idle => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match self {
            Self::Idle => None,
            Self::Probing { guard, .. } => guard.deadline(),
            Self::Refused { until, .. } => Some(*until),
        }
    }

    pub(super) fn guard(&mut self) -> Option<&mut Acd> {
        match self {
            Self::Probing { guard, .. } => Some(guard),
            Self::Idle | Self::Refused { .. } => None,
        }
    }

    /// Whether nothing is to begin now for this address.
    fn is_busy_with(&self, wanted: Ipv4Addr, now: Moment) -> bool {
        match self {
            Self::Idle => false,
            Self::Probing { guard, .. } => guard.address() == wanted,
            Self::Refused { address, until, .. } => *address == wanted && now < *until,
        }
    }

    /// Begins to probe; what is known of the address's owner stays known.
    fn probe(self, mac: MacAddress, wanted: Ipv4Addr, now: Moment, random: &mut Random) -> Self {
        let owner = match self {
            Self::Refused { address, owner, .. } if address == wanted => Some(owner),
            _ => None,
        };
        let guard = Acd::probe(mac, wanted, now, random);
        Self::Probing { guard, owner }
    }
}

impl Interface {
    /// Looks at what is wanted and what stands; safe to ask again at any time.
    pub(super) fn pursue(&mut self, now: Moment, random: &mut Random) -> Vec<Upward> {
        self.mark_former();
        let Ipv4Mode::Static(set) = self.mode else {
            self.claim = Claim::Idle;
            return Vec::new();
        };
        if self.fixed() == Some(set) {
            self.claim = Claim::Idle;
            return Vec::new();
        }
        if self.standing_address() == Some(set.address) {
            self.claim = Claim::Idle;
            return if self.is_proven() {
                let guard = self.take_guard();
                self.settle(set, guard, now, random)
            } else {
                Vec::new()
            };
        }
        if self.link.carrier && !self.claim.is_busy_with(set.address, now) {
            let claim = std::mem::replace(&mut self.claim, Claim::Idle);
            self.claim = claim.probe(self.link.mac, set.address, now, random);
        }
        Vec::new()
    }

    /// Whether the address that stands was probed to the end; a lease is used before.
    fn is_proven(&self) -> bool {
        self.standing
            .as_ref()
            .is_some_and(|Standing { holding, guard }| match holding {
                Holding::Static(_) => true,
                Holding::Lease(_) => guard.as_ref().is_some_and(Acd::is_clear),
            })
    }

    /// A static address that is no longer wanted is not defended.
    fn mark_former(&mut self) {
        let former = self.fixed().is_some_and(
            |standing| !matches!(self.mode, Ipv4Mode::Static(set) if set.address == standing.address),
        );
        let guard = self
            .standing
            .as_mut()
            .and_then(|standing| standing.guard.as_mut());
        if let Some(guard) = guard {
            guard.set_yielding(former);
        }
    }

    fn settle(
        &mut self,
        set: StaticAddress,
        guard: Option<Acd>,
        now: Moment,
        random: &mut Random,
    ) -> Vec<Upward> {
        let StaticAddress { address, prefix, .. } = set;
        if self.standing_address() == Some(address) {
            // The server may think it ours until the lease ends: better than giving it to somebody else meanwhile.
            self.dhcp = super::DhcpClient::new();
        }
        let mut upward = self.put(Holding::Static(set), guard, now, random);
        upward.push(report(Report::StaticTaken {
            link: self.name(),
            address,
            prefix,
        }));
        upward
    }

    /// The fallback address stands here and is the one that is wanted: it stays, guard and all.
    pub(crate) fn adopt_fallback(&mut self, guard: Acd, now: Moment, random: &mut Random) -> Vec<Upward> {
        let Ipv4Mode::Static(set) = self.mode else {
            return Vec::new();
        };
        self.claim = Claim::Idle;
        let index = self.link.index;
        let mut upward = self.settle(set, Some(guard), now, random);
        let gone = Assignment::fallback().leave_to(index, &Assignment::from(&set));
        upward.extend(gone.into_iter().map(Upward::Act));
        upward
    }

    pub(super) fn judge_claim(
        &mut self,
        outcomes: Vec<Outcome>,
        now: Moment,
        random: &mut Random,
    ) -> Vec<Upward> {
        let mut upward = Vec::new();
        for outcome in outcomes {
            match (outcome, self.mode) {
                (Outcome::Send(packet), _) => {
                    upward.push(Upward::Act(Action::SendArp(self.link.index, packet)));
                }
                (Outcome::Clear, Ipv4Mode::Static(set)) => {
                    if let Claim::Probing { guard, .. } = std::mem::replace(&mut self.claim, Claim::Idle) {
                        upward.extend(self.settle(set, Some(guard), now, random));
                    }
                }
                (Outcome::Conflict(owner), Ipv4Mode::Static(set)) => {
                    upward.extend(self.refuse(set.address, owner, now, random));
                }
                (Outcome::Clear | Outcome::Conflict(_) | Outcome::Defended(_), _) => {}
            }
        }
        upward
    }

    /// Another host has a static address of this interface: the wanted one is tried again, a former one is let go.
    pub(super) fn refuse(
        &mut self,
        address: Ipv4Addr,
        owner: MacAddress,
        now: Moment,
        random: &mut Random,
    ) -> Vec<Upward> {
        let link = self.name();
        if !matches!(self.mode, Ipv4Mode::Static(set) if set.address == address) {
            let other = owner;
            return vec![report(Report::FormerYielded { link, address, other })];
        }
        let wait = RETRY_AFTER_CONFLICT + random.between(Duration::ZERO, RETRY_SPREAD);
        self.claim = Claim::Refused {
            address,
            owner,
            until: now + wait,
        };
        vec![report(Report::StaticConflict {
            link,
            address,
            owner,
            retry_seconds: wait.as_secs(),
        })]
    }
}
