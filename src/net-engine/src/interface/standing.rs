//! The address that stands on the interface: put there before its predecessor goes, watched, and taken off.

use std::net::Ipv4Addr;

use super::{Interface, Upward, report};
use crate::acd::{Acd, Outcome};
use crate::action::Action;
use crate::assignment::Assignment;
use crate::event::Moment;
use crate::lease::Lease;
use crate::random::Random;
use crate::report::Report;
use crate::settings::{Ipv4Mode, StaticAddress};

#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) holding: Holding,
    /// While there is carrier.
    pub(super) guard: Option<Acd>,
}

#[derive(Clone, Debug)]
pub(super) enum Holding {
    Lease(Lease),
    Static(StaticAddress),
}

impl Holding {
    pub(super) fn address(&self) -> Ipv4Addr {
        match self {
            Self::Lease(lease) => lease.address,
            Self::Static(set) => set.address,
        }
    }

    fn assignment(&self) -> Assignment {
        match self {
            Self::Lease(lease) => lease.into(),
            Self::Static(set) => set.into(),
        }
    }
}

impl Interface {
    /// Whether any address stands on it.
    pub(crate) fn is_addressed(&self) -> bool {
        self.standing.is_some()
    }

    pub(crate) fn leased(&self) -> Option<&Lease> {
        match &self.standing.as_ref()?.holding {
            Holding::Lease(lease) => Some(lease),
            Holding::Static(_) => None,
        }
    }

    pub(crate) fn fixed(&self) -> Option<StaticAddress> {
        match self.standing.as_ref()?.holding {
            Holding::Static(set) => Some(set),
            Holding::Lease(_) => None,
        }
    }

    pub(super) fn standing_address(&self) -> Option<Ipv4Addr> {
        self.standing.as_ref().map(|standing| standing.holding.address())
    }

    pub(super) fn take_guard(&mut self) -> Option<Acd> {
        self.standing.as_mut()?.guard.take()
    }

    /// Puts it on the interface; what stood there goes once it does, after its server was told.
    pub(super) fn put(
        &mut self,
        holding: Holding,
        guard: Option<Acd>,
        now: Moment,
        random: &mut Random,
    ) -> Vec<Upward> {
        let index = self.link.index;
        let new = holding.assignment();
        let set = matches!(holding, Holding::Static(_));
        let old = self.standing.replace(Standing { holding, guard });
        let mut upward = vec![
            Upward::Act(Action::Install(index, new.clone())),
            Upward::Installed(new.clone()),
        ];
        let Some(Standing { holding: old, .. }) = old else {
            return upward;
        };
        if set && old.address() != new.address {
            upward.extend(self.release(now, random));
        }
        let gone = old.assignment().leave_to(index, &new);
        upward.extend(gone.into_iter().map(Upward::Act));
        upward
    }

    pub(super) fn withdraw(&mut self) -> Vec<Upward> {
        let index = self.link.index;
        let gone = self.standing.take();
        gone.map(|standing| Upward::Act(Action::Withdraw(index, standing.holding.assignment())))
            .into_iter()
            .collect()
    }

    /// `new` was installed on another interface: a default route that settings no longer name, or the same address,
    /// cannot be beside it.
    pub(crate) fn make_way(&mut self, new: &Assignment) -> Vec<Upward> {
        let index = self.link.index;
        let Some(set) = self.fixed().filter(|set| self.mode != Ipv4Mode::Static(*set)) else {
            return Vec::new();
        };
        if set.address == new.address {
            return self.withdraw();
        }
        let without = StaticAddress { gateway: None, ..set };
        let rival = Assignment::from(&set);
        if !(rival.has_default_route() && new.has_default_route()) {
            return Vec::new();
        }
        if let Some(standing) = &mut self.standing {
            standing.holding = Holding::Static(without);
        }
        vec![Upward::Act(Action::RemoveRoutes(index, rival))]
    }

    pub(super) fn judge_standing(
        &mut self,
        outcomes: Vec<Outcome>,
        now: Moment,
        random: &mut Random,
    ) -> Vec<Upward> {
        let mut upward = Vec::new();
        for outcome in outcomes {
            let Some(holding) = self.standing.as_ref().map(|standing| standing.holding.clone()) else {
                break;
            };
            match (outcome, holding) {
                (Outcome::Send(packet), _) => {
                    upward.push(Upward::Act(Action::SendArp(self.link.index, packet)));
                }
                (Outcome::Defended(other), holding) => upward.push(report(Report::Defended {
                    link: self.name(),
                    address: holding.address(),
                    other,
                })),
                (Outcome::Conflict(owner), Holding::Lease(lease)) => {
                    upward.extend(self.conflict(&lease, owner, now, random));
                }
                (Outcome::Conflict(owner), Holding::Static(set)) => {
                    upward.extend(self.withdraw());
                    upward.extend(self.refuse(set.address, owner, now, random));
                }
                (Outcome::Clear, _) => {}
            }
        }
        upward
    }
}
