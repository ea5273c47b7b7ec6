//! The fallback address: when it is tried, on which interface, and when it is given up.
//!
//! Rules (`DECISION-fallback.md` gives the reasons):
//! - Tried when no interface has an address and one that asks by DHCP has had carrier for
//!   [`crate::Settings::fallback_after`]; on the first such interface in the order of place on the bus, then index.
//!   Only after the probe of RFC 5227, and never where settings forbid it.
//! - Someone has the address: not taken there for [`RETRY_AFTER_CONFLICT`]; the next interface is tried meanwhile.
//! - While it stands, an offer on its interface, or of a network that overlaps its own, is accepted only when no
//!   connection to the fallback address is open; so a person at work on the page is not cut off.
//! - An address on another interface also ends it, as soon as no connection to it is open.
//! - It goes at once when its interface loses carrier, another host keeps claiming it, or settings want it gone; a
//!   static address for its interface is put there before.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::acd::{Acd, Outcome};
use crate::action::Action;
use crate::assignment::Assignment;
use crate::event::{Moment, network};
use crate::lease::Lease;
use crate::link::{LinkIndex, MacAddress};
use crate::random::Random;
use crate::report::Report;
use crate::wire::ArpPacket;

/// The address of the first boot without a DHCP server.
pub const FALLBACK_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
/// Its network's length in bits.
pub const FALLBACK_PREFIX: u8 = 24;
/// Wait after a conflict: RFC 5227's RATE_LIMIT_INTERVAL, applied from the first conflict on.
pub const RETRY_AFTER_CONFLICT: Duration = Duration::from_secs(60);
/// How often an open connection to the address is looked for while an address elsewhere waits for its end.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// Why it goes when something else has come.
const REPLACED: &str = "another address has taken its place";

/// What the fallback has to know of an interface.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) index: LinkIndex,
    pub(crate) name: String,
    pub(crate) mac: MacAddress,
    pub(crate) carrier_since: Moment,
    /// It asks by DHCP: it may get the fallback.
    pub(crate) eligible: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Fallback {
    enabled: bool,
    after: Duration,
    state: State,
    /// Since when no interface has an address.
    bare_since: Option<Moment>,
    /// Where the address was in use, by whom, and when it may be tried again.
    refused: BTreeMap<LinkIndex, (MacAddress, Moment)>,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    Probing {
        on: Candidate,
        guard: Acd,
    },
    Held {
        on: Candidate,
        guard: Acd,
        question: Question,
    },
}

/// What is being asked about connections to the held address.
#[derive(Clone, Debug)]
enum Question {
    None,
    /// May this offer be accepted?
    Offer(LinkIndex, Lease),
    /// An address stands on another interface: may the fallback go?
    Leave,
    /// It might not; ask again then.
    AskAt(Moment),
}

/// What becomes of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    Accept(Lease),
    /// The answer to the question decides.
    Wait,
}

impl Fallback {
    pub(crate) fn new(enabled: bool, after: Duration) -> Self {
        Self {
            enabled,
            after,
            state: State::Idle,
            bare_since: None,
            refused: BTreeMap::new(),
        }
    }

    /// Other settings. What is held is the engine's to judge.
    pub(crate) fn set(&mut self, enabled: bool, after: Duration) {
        (self.enabled, self.after) = (enabled, after);
        if !enabled && matches!(self.state, State::Probing { .. }) {
            self.state = State::Idle;
        }
    }

    pub(crate) fn held_on(&self) -> Option<LinkIndex> {
        match &self.state {
            State::Held { on, .. } => Some(on.index),
            _ => None,
        }
    }

    /// Who has the address on this interface.
    pub(crate) fn refused_by(&self, index: LinkIndex) -> Option<MacAddress> {
        self.refused.get(&index).map(|refusal| refusal.0)
    }

    /// The next moment something is due; `candidates` as in [`Fallback::consider`].
    pub(crate) fn deadline(&self, candidates: &[Candidate]) -> Option<Moment> {
        match &self.state {
            State::Idle => candidates
                .iter()
                .filter_map(|candidate| self.due(candidate))
                .min(),
            State::Probing { guard, .. } => guard.deadline(),
            State::Held { guard, question, .. } => match question {
                Question::AskAt(at) => guard.deadline().into_iter().chain([*at]).min(),
                _ => guard.deadline(),
            },
        }
    }

    /// When the fallback may be tried on an interface; `None` where it may not, and while some interface has an
    /// address.
    fn due(&self, candidate: &Candidate) -> Option<Moment> {
        if !self.enabled || !candidate.eligible {
            return None;
        }
        let due = self.bare_since?.max(candidate.carrier_since) + self.after;
        Some(
            self.refused
                .get(&candidate.index)
                .map_or(due, |(_, retry)| due.max(*retry)),
        )
    }

    /// Looks at everything again. `candidates` are the interfaces with carrier, in order; `addressed`: one has an
    /// address of another origin.
    pub(crate) fn consider(
        &mut self,
        candidates: &[Candidate],
        addressed: bool,
        now: Moment,
        random: &mut Random,
    ) -> Vec<Action> {
        self.bare_since = if addressed {
            None
        } else {
            self.bare_since.or(Some(now))
        };
        let of = |on: &Candidate| candidates.iter().find(|c| c.index == on.index);
        match &mut self.state {
            State::Held { on, .. } if of(on).is_none() => self.leave("its link is down"),
            State::Held { question, .. } => ask_to_leave(question, addressed, now),
            State::Probing { on, .. } if addressed || of(on).is_none_or(|c| !c.eligible) => {
                self.state = State::Idle;
                self.consider_idle(candidates, now, random)
            }
            State::Idle => self.consider_idle(candidates, now, random),
            State::Probing { .. } => Vec::new(),
        }
    }

    fn consider_idle(&mut self, candidates: &[Candidate], now: Moment, random: &mut Random) -> Vec<Action> {
        let ready = candidates
            .iter()
            .find(|candidate| self.due(candidate).is_some_and(|due| now >= due));
        if let Some(on) = ready.cloned() {
            let guard = Acd::probe(on.mac, FALLBACK_ADDRESS, now, random);
            self.state = State::Probing { on, guard };
        }
        Vec::new()
    }

    pub(crate) fn on_time(&mut self, now: Moment, random: &mut Random) -> Vec<Action> {
        let outcomes = match &mut self.state {
            State::Idle => Vec::new(),
            State::Probing { guard, .. } | State::Held { guard, .. } => guard.on_time(now, random),
        };
        self.judge(outcomes, now, random)
    }

    pub(crate) fn on_arp(
        &mut self,
        index: LinkIndex,
        packet: &ArpPacket,
        now: Moment,
        random: &mut Random,
    ) -> Vec<Action> {
        let outcomes = match &mut self.state {
            State::Probing { on, guard } | State::Held { on, guard, .. } if on.index == index => {
                guard.on_arp(packet, now)
            }
            _ => Vec::new(),
        };
        self.judge(outcomes, now, random)
    }

    fn judge(&mut self, outcomes: Vec<Outcome>, now: Moment, random: &mut Random) -> Vec<Action> {
        let mut actions = Vec::new();
        for outcome in outcomes {
            let Some(on) = self.on().cloned() else { break };
            let link = on.name.clone();
            match outcome {
                Outcome::Send(packet) => actions.push(Action::SendArp(on.index, packet)),
                Outcome::Clear => actions.extend(self.take(&on)),
                Outcome::Defended(other) => {
                    actions.push(Action::Report(Report::Defended {
                        link,
                        address: FALLBACK_ADDRESS,
                        other,
                    }));
                }
                Outcome::Conflict(owner) => actions.extend(self.conflict(&on, owner, now, random)),
            }
        }
        actions
    }

    fn on(&self) -> Option<&Candidate> {
        match &self.state {
            State::Idle => None,
            State::Probing { on, .. } | State::Held { on, .. } => Some(on),
        }
    }

    fn take(&mut self, on: &Candidate) -> Vec<Action> {
        self.refused.remove(&on.index);
        let state = std::mem::replace(&mut self.state, State::Idle);
        if let State::Probing { on, guard } = state {
            self.state = State::Held {
                on,
                guard,
                question: Question::None,
            };
        }
        let report = Report::FallbackTaken {
            link: on.name.clone(),
            address: FALLBACK_ADDRESS,
            prefix: FALLBACK_PREFIX,
        };
        vec![
            Action::Install(on.index, Assignment::fallback()),
            Action::Report(report),
        ]
    }

    fn conflict(
        &mut self,
        on: &Candidate,
        owner: MacAddress,
        now: Moment,
        random: &mut Random,
    ) -> Vec<Action> {
        // Two machines that met while both were probing must not meet again in the same second.
        let wait = RETRY_AFTER_CONFLICT + random.between(Duration::ZERO, Duration::from_secs(5));
        self.refused.insert(on.index, (owner, now + wait));
        let mut actions = Vec::new();
        if self.held_on().is_some() {
            actions.extend(self.leave("another host keeps claiming it"));
        }
        self.state = State::Idle;
        actions.push(Action::Report(Report::FallbackConflict {
            link: on.name.clone(),
            address: FALLBACK_ADDRESS,
            owner,
            retry_seconds: wait.as_secs(),
        }));
        actions
    }

    /// Whether an offer may be accepted now.
    pub(crate) fn gate(&mut self, index: LinkIndex, offer: Lease) -> (Gate, Vec<Action>) {
        match &mut self.state {
            State::Held { on, question, .. } if in_the_way(on, index, (offer.address, offer.prefix)) => {
                let asking = matches!(question, Question::Offer(..) | Question::Leave);
                *question = Question::Offer(index, offer);
                (
                    Gate::Wait,
                    if asking {
                        Vec::new()
                    } else {
                        vec![Action::AskFallbackUse]
                    },
                )
            }
            _ => (Gate::Accept(offer), Vec::new()),
        }
    }

    /// The answer to [`Action::AskFallbackUse`]: the offer that may now be accepted, if one waited for it.
    pub(crate) fn on_use(&mut self, in_use: bool, now: Moment) -> (Option<(LinkIndex, Lease)>, Vec<Action>) {
        let State::Held { on, question, .. } = &mut self.state else {
            return (None, Vec::new());
        };
        let link = on.name.clone();
        match (std::mem::replace(question, Question::None), in_use) {
            (Question::Offer(index, offer), false) => (Some((index, offer)), Vec::new()),
            (Question::Offer(_, offer), true) => {
                let Lease {
                    address: offered,
                    server,
                    ..
                } = offer;
                let report = Report::FallbackKept {
                    link,
                    address: FALLBACK_ADDRESS,
                    offered,
                    server,
                };
                (None, vec![Action::Report(report)])
            }
            (Question::Leave, false) => (None, self.leave(REPLACED)),
            (Question::Leave | Question::AskAt(_), _) => {
                *question = Question::AskAt(now + ASK_AGAIN);
                (None, Vec::new())
            }
            (Question::None, _) => (None, Vec::new()),
        }
    }

    /// An address was installed: both on one interface, or two overlapping networks, cannot be.
    pub(crate) fn make_room(&mut self, index: LinkIndex, new: &Assignment) -> Vec<Action> {
        let offered = (new.address, new.prefix);
        match &self.state {
            State::Held { on, .. } if on.index == index && is_fallback(offered) => {
                // It is the same address: it stays, as something else.
                self.state = State::Idle;
                Vec::new()
            }
            State::Held { on, .. } if in_the_way(on, index, offered) => self.leave(REPLACED),
            State::Probing { .. } => {
                self.state = State::Idle;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// The address becomes one of another kind where it stands.
    pub(crate) fn hand_over(&mut self) -> Option<Acd> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Held { guard, .. } => Some(guard),
            other => {
                self.state = other;
                None
            }
        }
    }

    pub(crate) fn link_gone(&mut self, index: LinkIndex) {
        self.refused.remove(&index);
        if self.on().is_some_and(|on| on.index == index) {
            self.state = State::Idle;
        }
    }

    /// Takes the address off, if it stands.
    pub(crate) fn leave(&mut self, reason: &'static str) -> Vec<Action> {
        let State::Held { on, .. } = std::mem::replace(&mut self.state, State::Idle) else {
            return Vec::new();
        };
        vec![
            Action::Withdraw(on.index, Assignment::fallback()),
            Action::Report(Report::FallbackLeft {
                link: on.name,
                address: FALLBACK_ADDRESS,
                reason,
            }),
        ]
    }
}

/// An address elsewhere ends the fallback, once nobody is connected to it; without one there is nothing to ask.
fn ask_to_leave(question: &mut Question, addressed: bool, now: Moment) -> Vec<Action> {
    match question {
        Question::AskAt(_) | Question::Leave if !addressed => *question = Question::None,
        Question::AskAt(at) if now < *at => {}
        Question::None | Question::AskAt(_) if addressed => {
            *question = Question::Leave;
            return vec![Action::AskFallbackUse];
        }
        _ => {}
    }
    Vec::new()
}

fn in_the_way(on: &Candidate, index: LinkIndex, (address, prefix): (Ipv4Addr, u8)) -> bool {
    let shorter = prefix.min(FALLBACK_PREFIX);
    on.index == index || network(address, shorter) == network(FALLBACK_ADDRESS, shorter)
}

fn is_fallback(offered: (Ipv4Addr, u8)) -> bool {
    offered == (FALLBACK_ADDRESS, FALLBACK_PREFIX)
}
