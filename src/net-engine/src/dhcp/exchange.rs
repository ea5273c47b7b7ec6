//! One question to the servers with its repetitions, and the lease a client holds with its moments.

use std::time::Duration;

use super::Output;
use crate::action::{ClientMessage, Destination, MessageKind};
use crate::event::Moment;
use crate::lease::Lease;
use crate::random::Random;

/// Time before the first repetition; RFC 2131 section 4.1 suggests 4 s, for networks of 1997.
pub const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Longest time between repetitions (RFC 2131 section 4.1).
const MAX_RETRY: Duration = Duration::from_secs(64);
/// Shortest time between repetitions of a renewal (RFC 2131 section 4.4.5).
const MIN_RENEWAL_RETRY: Duration = Duration::from_secs(60);

/// A question and when it is repeated.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) xid: u32,
    pub(super) began: Moment,
    pub(super) sent: Moment,
    pub(super) tries: u32,
    pub(super) next: Moment,
}

impl Exchange {
    fn new(now: Moment, random: &mut Random) -> Self {
        Self {
            xid: random.id(),
            began: now,
            sent: now,
            tries: 0,
            next: now,
        }
    }

    /// A new question to everyone.
    pub(super) fn broadcast(
        kind: MessageKind,
        now: Moment,
        random: &mut Random,
        out: &mut Vec<Output>,
    ) -> Self {
        let mut exchange = Self::new(now, random);
        exchange.repeat(kind, Destination::Broadcast, now, random, out);
        exchange
    }

    /// The next question in the same transaction: the request for an offer.
    pub(super) fn go_on(
        self,
        kind: MessageKind,
        now: Moment,
        random: &mut Random,
        out: &mut Vec<Output>,
    ) -> Self {
        let mut exchange = Self { tries: 0, ..self };
        exchange.repeat(kind, Destination::Broadcast, now, random, out);
        exchange
    }

    /// A request to extend a lease, to be repeated until `end`.
    pub(super) fn renewal(
        kind: MessageKind,
        to: Destination,
        now: Moment,
        end: Moment,
        random: &mut Random,
        out: &mut Vec<Output>,
    ) -> Self {
        let mut exchange = Self::new(now, random);
        exchange.repeat_renewal(kind, to, now, end, out);
        exchange
    }

    pub(super) fn due(&self, now: Moment) -> bool {
        now >= self.next
    }

    /// Sends and doubles the wait, give or take a quarter.
    pub(super) fn repeat(
        &mut self,
        kind: MessageKind,
        to: Destination,
        now: Moment,
        random: &mut Random,
        out: &mut Vec<Output>,
    ) {
        let doubled = 1_u32
            .checked_shl(self.tries)
            .map_or(MAX_RETRY, |factor| FIRST_RETRY.saturating_mul(factor));
        let wait = doubled.min(MAX_RETRY);
        self.send(kind, to, now, out);
        self.next = now + random.between(wait * 3 / 4, wait * 5 / 4);
    }

    /// Sends and waits half of what is left (RFC 2131 section 4.4.5).
    pub(super) fn repeat_renewal(
        &mut self,
        kind: MessageKind,
        to: Destination,
        now: Moment,
        end: Moment,
        out: &mut Vec<Output>,
    ) {
        self.send(kind, to, now, out);
        self.next = now + (end.saturating_sub(now) / 2).max(MIN_RENEWAL_RETRY);
    }

    fn send(&mut self, kind: MessageKind, to: Destination, now: Moment, out: &mut Vec<Output>) {
        self.tries = self.tries.saturating_add(1);
        self.sent = now;
        let secs = u16::try_from((now - self.began).as_secs()).unwrap_or(u16::MAX);
        out.push(Output::Send(
            ClientMessage {
                kind,
                xid: self.xid,
                secs,
            },
            to,
        ));
    }
}

/// A lease and the moment it was asked for, from which its times count.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) lease: Lease,
    pub(super) since: Moment,
}

impl Held {
    pub(super) fn expires(&self) -> Option<Moment> {
        self.lease.valid_for.map(|valid| self.since + valid)
    }

    pub(super) fn expired(&self, now: Moment) -> bool {
        self.expires().is_some_and(|at| now >= at)
    }

    /// T1; a lease for ever is never renewed.
    pub(super) fn renew_at(&self) -> Option<Moment> {
        self.lease.valid_for.map(|_| self.since + self.lease.renew_after)
    }

    /// T2.
    pub(super) fn rebind_at(&self) -> Moment {
        self.since + self.lease.rebind_after
    }

    pub(super) fn extension(&self) -> MessageKind {
        MessageKind::Extend {
            address: self.lease.address,
        }
    }

    pub(super) fn server(&self) -> Destination {
        Destination::Server {
            from: self.lease.address,
            to: self.lease.server,
        }
    }
}
