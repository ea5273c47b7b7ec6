//! The DHCP client of one interface (RFC 2131 section 4.4) as a state machine.
//!
//! Deviations, each for the sake of a page that answers within a second (`DECISION-dhcp.md`): no random wait before
//! the first DISCOVER, first repetition after 1 s instead of 4, the first usable offer is taken.

use std::time::Duration;

use crate::action::{ClientMessage, Destination, MessageKind};
use crate::event::Moment;
use crate::lease::{Lease, LeaseError};
use crate::random::Random;
use crate::wire::{Reply, ReplyKind};

mod change;
mod exchange;

pub use exchange::FIRST_RETRY;
use exchange::{Exchange, Held};

/// Requests for an offer that are sent before asking everyone anew.
pub const REQUEST_TRIES: u32 = 4;
/// Requests to confirm a former lease before asking everyone anew: a server that does not know it stays silent.
const CONFIRM_TRIES: u32 = 2;
/// DISCOVERs without an answer after which the log says so: some 7 s.
const SILENT_TRIES: u32 = 4;
/// Shortest wait after a DECLINE (RFC 2131 section 3.1 step 5).
const DECLINE_WAIT: Duration = Duration::from_secs(10);
/// Longest wait after repeated refusals.
const MAX_REFUSAL_WAIT: Duration = Duration::from_secs(64);

/// The client of one interface.
#[derive(Clone, Debug)]
pub(crate) struct DhcpClient {
    phase: Phase,
    /// Refusals since the last acknowledgement: they slow the next try.
    refusals: u32,
}

#[derive(Clone, Debug)]
enum Phase {
    /// No carrier. A lease held before is confirmed when carrier returns.
    Down {
        kept: Option<Held>,
    },
    /// INIT and SELECTING.
    Selecting {
        kept: Option<Held>,
        exchange: Exchange,
    },
    Requesting {
        kept: Option<Held>,
        exchange: Exchange,
        offer: Lease,
    },
    /// INIT-REBOOT and REBOOTING.
    Confirming {
        held: Held,
        exchange: Exchange,
    },
    Bound {
        held: Held,
    },
    Renewing {
        held: Held,
        exchange: Exchange,
    },
    Rebinding {
        held: Held,
        exchange: Exchange,
    },
    /// After a decline or repeated refusals.
    Waiting {
        kept: Option<Held>,
        until: Moment,
    },
}

/// What comes out of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Send(ClientMessage, Destination),
    /// An offer to be accepted with [`DhcpClient::accept`], or left.
    Offered(Lease),
    Unusable(LeaseError),
    /// The lease holds from now on; it replaces the one before.
    Acquired(Lease),
    Refused(Lease),
    /// The kept lease ended.
    Expired(Lease),
    /// No server answers since so many seconds.
    Silent(u64),
}

impl DhcpClient {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Down { kept: None },
            refusals: 0,
        }
    }

    /// Whether no server has answered for a while.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(&self.phase, Phase::Selecting { exchange, .. } if exchange.tries >= SILENT_TRIES)
    }

    /// Carrier came: confirm the lease held before, or ask for one.
    pub(crate) fn start(&mut self, now: Moment, random: &mut Random, out: &mut Vec<Output>) {
        let Phase::Down { kept } = &mut self.phase else {
            return;
        };
        let kept = kept.take();
        self.phase = match kept {
            Some(held) if !held.expired(now) => {
                let kind = MessageKind::Confirm {
                    address: held.lease.address,
                };
                Phase::Confirming {
                    held,
                    exchange: Exchange::broadcast(kind, now, random, out),
                }
            }
            kept => select(expire(kept, now, out), now, random, out),
        };
    }

    /// Carrier went: nothing is sent any more, the lease runs on.
    pub(crate) fn stop(&mut self) {
        self.phase = Phase::Down {
            kept: self.take_held(),
        };
    }

    /// Takes an offer. Ignored when the client has moved on since.
    pub(crate) fn accept(&mut self, offer: Lease, now: Moment, random: &mut Random, out: &mut Vec<Output>) {
        self.phase = match self.take() {
            Phase::Selecting { kept, exchange } => {
                let kind = MessageKind::Select {
                    address: offer.address,
                    server: offer.server,
                };
                let exchange = exchange.go_on(kind, now, random, out);
                Phase::Requesting {
                    kept,
                    exchange,
                    offer,
                }
            }
            other => other,
        };
    }

    /// Another host uses the address of `lease`: tell the server, wait, ask anew.
    pub(crate) fn decline(&mut self, lease: &Lease, now: Moment, random: &mut Random, out: &mut Vec<Output>) {
        let kind = MessageKind::Decline {
            address: lease.address,
            server: lease.server,
        };
        out.push(Output::Send(
            ClientMessage {
                kind,
                xid: random.id(),
                secs: 0,
            },
            Destination::Broadcast,
        ));
        let kept = self
            .take_held()
            .filter(|held| held.lease.address != lease.address);
        self.phase = Phase::Waiting {
            kept,
            until: now + DECLINE_WAIT,
        };
    }

    /// Gives the lease back, if there is one.
    pub(crate) fn release(&mut self, random: &mut Random, out: &mut Vec<Output>) {
        let carrier = !matches!(self.phase, Phase::Down { .. });
        if let Some(Held { lease, .. }) = self.take_held().filter(|_| carrier) {
            let kind = MessageKind::Release {
                address: lease.address,
                server: lease.server,
            };
            let to = Destination::Server {
                from: lease.address,
                to: lease.server,
            };
            out.push(Output::Send(
                ClientMessage {
                    kind,
                    xid: random.id(),
                    secs: 0,
                },
                to,
            ));
        }
    }

    pub(crate) fn deadline(&self) -> Option<Moment> {
        let soonest = |kept: &Option<Held>, next: Moment| {
            kept.as_ref()
                .and_then(Held::expires)
                .map_or(next, |expires| next.min(expires))
        };
        match &self.phase {
            Phase::Down { kept } => kept.as_ref().and_then(Held::expires),
            Phase::Selecting { kept, exchange } | Phase::Requesting { kept, exchange, .. } => {
                Some(soonest(kept, exchange.next))
            }
            Phase::Waiting { kept, until } => Some(soonest(kept, *until)),
            Phase::Bound { held } => held.renew_at(),
            Phase::Renewing { held, exchange } => Some(held.rebind_at().min(exchange.next)),
            Phase::Confirming { held, exchange } | Phase::Rebinding { held, exchange } => {
                Some(held.expires().map_or(exchange.next, |at| at.min(exchange.next)))
            }
        }
    }

    pub(crate) fn on_time(&mut self, now: Moment, random: &mut Random, out: &mut Vec<Output>) {
        if self.deadline().is_none_or(|at| now < at) {
            return;
        }
        self.phase = match self.take() {
            Phase::Down { kept } => Phase::Down {
                kept: expire(kept, now, out),
            },
            Phase::Waiting { kept, until } => match expire(kept, now, out) {
                kept if now < until => Phase::Waiting { kept, until },
                kept => select(kept, now, random, out),
            },
            Phase::Selecting { kept, exchange } => {
                repeat_discover(expire(kept, now, out), exchange, now, random, out)
            }
            Phase::Requesting {
                kept,
                exchange,
                offer,
            } => repeat_request(expire(kept, now, out), exchange, offer, now, random, out),
            held => on_time_held(held, now, random, out),
        };
    }

    /// A server's message with the right hardware address.
    pub(crate) fn on_reply(
        &mut self,
        reply: &Reply,
        now: Moment,
        random: &mut Random,
        out: &mut Vec<Output>,
    ) {
        if self.exchange().is_none_or(|exchange| exchange.xid != reply.xid) {
            return;
        }
        match reply.kind {
            ReplyKind::Offer => self.on_offer(reply, out),
            ReplyKind::Ack => self.on_ack(reply, out),
            ReplyKind::Nak => self.on_nak(reply, now, random, out),
        }
    }

    fn on_offer(&mut self, reply: &Reply, out: &mut Vec<Output>) {
        if let Phase::Selecting { .. } = self.phase {
            out.push(Lease::from_reply(reply).map_or_else(Output::Unusable, Output::Offered));
        }
    }

    fn on_ack(&mut self, reply: &Reply, out: &mut Vec<Output>) {
        let Some((wanted, server)) = self.wanted() else {
            return;
        };
        if reply.address != wanted || server.is_some_and(|server| reply.server != Some(server)) {
            return;
        }
        let lease = match Lease::from_reply(reply) {
            Ok(lease) => lease,
            Err(error) => return out.push(Output::Unusable(error)),
        };
        let since = self.exchange().map(|exchange| exchange.sent).unwrap_or_default();
        self.refusals = 0;
        self.phase = Phase::Bound {
            held: Held {
                lease: lease.clone(),
                since,
            },
        };
        out.push(Output::Acquired(lease));
    }

    fn on_nak(&mut self, reply: &Reply, now: Moment, random: &mut Random, out: &mut Vec<Output>) {
        let kept = match self.take() {
            Phase::Requesting {
                kept,
                exchange,
                offer,
            } if reply.server.is_some_and(|s| s != offer.server) => {
                self.phase = Phase::Requesting {
                    kept,
                    exchange,
                    offer,
                };
                return;
            }
            Phase::Requesting { kept, offer, .. } => {
                out.push(Output::Refused(offer));
                kept
            }
            Phase::Confirming { held, .. } | Phase::Renewing { held, .. } | Phase::Rebinding { held, .. } => {
                out.push(Output::Refused(held.lease));
                None
            }
            other => {
                self.phase = other;
                return;
            }
        };
        self.refusals += 1;
        self.phase = match refusal_wait(self.refusals) {
            None => select(kept, now, random, out),
            Some(wait) => Phase::Waiting {
                kept,
                until: now + wait,
            },
        };
    }

    /// The address an acknowledgement must carry, and the server it must come from.
    fn wanted(&self) -> Option<(std::net::Ipv4Addr, Option<std::net::Ipv4Addr>)> {
        match &self.phase {
            Phase::Requesting { offer, .. } => Some((offer.address, Some(offer.server))),
            Phase::Confirming { held, .. } | Phase::Renewing { held, .. } | Phase::Rebinding { held, .. } => {
                Some((held.lease.address, None))
            }
            _ => None,
        }
    }

    fn exchange(&self) -> Option<&Exchange> {
        match &self.phase {
            Phase::Selecting { exchange, .. }
            | Phase::Requesting { exchange, .. }
            | Phase::Confirming { exchange, .. }
            | Phase::Renewing { exchange, .. }
            | Phase::Rebinding { exchange, .. } => Some(exchange),
            Phase::Down { .. } | Phase::Bound { .. } | Phase::Waiting { .. } => None,
        }
    }

    fn take(&mut self) -> Phase {
        std::mem::replace(&mut self.phase, Phase::Down { kept: None })
    }

    fn take_held(&mut self) -> Option<Held> {
        match self.take() {
            Phase::Down { kept }
            | Phase::Selecting { kept, .. }
            | Phase::Requesting { kept, .. }
            | Phase::Waiting { kept, .. } => kept,
            Phase::Confirming { held, .. }
            | Phase::Bound { held }
            | Phase::Renewing { held, .. }
            | Phase::Rebinding { held, .. } => Some(held),
        }
    }
}

fn select(kept: Option<Held>, now: Moment, random: &mut Random, out: &mut Vec<Output>) -> Phase {
    Phase::Selecting {
        kept,
        exchange: Exchange::broadcast(MessageKind::Discover, now, random, out),
    }
}

fn expire(kept: Option<Held>, now: Moment, out: &mut Vec<Output>) -> Option<Held> {
    match kept {
        Some(held) if held.expired(now) => {
            out.push(Output::Expired(held.lease));
            None
        }
        kept => kept,
    }
}

/// The first refusal costs nothing: a cable in another network is answered at once.
fn refusal_wait(refusals: u32) -> Option<Duration> {
    let doublings = refusals.checked_sub(2)?;
    let wait = 1_u64
        .checked_shl(doublings)
        .map_or(MAX_REFUSAL_WAIT, Duration::from_secs);
    Some(wait.min(MAX_REFUSAL_WAIT))
}

fn repeat_discover(
    kept: Option<Held>,
    mut exchange: Exchange,
    now: Moment,
    random: &mut Random,
    out: &mut Vec<Output>,
) -> Phase {
    if exchange.due(now) {
        exchange.repeat(MessageKind::Discover, Destination::Broadcast, now, random, out);
        if exchange.tries == SILENT_TRIES {
            out.push(Output::Silent((now - exchange.began).as_secs()));
        }
    }
    Phase::Selecting { kept, exchange }
}

fn repeat_request(
    kept: Option<Held>,
    mut exchange: Exchange,
    offer: Lease,
    now: Moment,
    random: &mut Random,
    out: &mut Vec<Output>,
) -> Phase {
    if !exchange.due(now) {
        return Phase::Requesting {
            kept,
            exchange,
            offer,
        };
    }
    if exchange.tries >= REQUEST_TRIES {
        return select(kept, now, random, out);
    }
    let kind = MessageKind::Select {
        address: offer.address,
        server: offer.server,
    };
    exchange.repeat(kind, Destination::Broadcast, now, random, out);
    Phase::Requesting {
        kept,
        exchange,
        offer,
    }
}

/// The phases that own a lease for certain: its ends come before any repetition.
fn on_time_held(phase: Phase, now: Moment, random: &mut Random, out: &mut Vec<Output>) -> Phase {
    match phase {
        Phase::Confirming { held, .. } | Phase::Rebinding { held, .. } if held.expired(now) => {
            out.push(Output::Expired(held.lease));
            select(None, now, random, out)
        }
        Phase::Bound { held } => {
            let (kind, to) = (held.extension(), held.server());
            let exchange = Exchange::renewal(kind, to, now, held.rebind_at(), random, out);
            Phase::Renewing { held, exchange }
        }
        Phase::Renewing { held, mut exchange } if now < held.rebind_at() => {
            exchange.repeat_renewal(held.extension(), held.server(), now, held.rebind_at(), out);
            Phase::Renewing { held, exchange }
        }
        Phase::Renewing { held, .. } => {
            let end = held.expires().unwrap_or(now);
            let exchange = Exchange::renewal(held.extension(), Destination::Broadcast, now, end, random, out);
            Phase::Rebinding { held, exchange }
        }
        Phase::Rebinding { held, mut exchange } => {
            let end = held.expires().unwrap_or(now);
            exchange.repeat_renewal(held.extension(), Destination::Broadcast, now, end, out);
            Phase::Rebinding { held, exchange }
        }
        Phase::Confirming { held, exchange } if exchange.tries >= CONFIRM_TRIES => {
            select(Some(held), now, random, out)
        }
        Phase::Confirming { held, mut exchange } => {
            let kind = MessageKind::Confirm {
                address: held.lease.address,
            };
            exchange.repeat(kind, Destination::Broadcast, now, random, out);
            Phase::Confirming { held, exchange }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
