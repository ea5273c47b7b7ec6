//! What a change of settings asks of a client.

use super::exchange::Exchange;
use super::{DhcpClient, Output, Phase, expire};
use crate::event::Moment;
use crate::random::Random;

impl DhcpClient {
    /// No other lease is wanted: the one held, if any, is kept and renewed until it is released or ends.
    pub(crate) fn hold(&mut self, now: Moment, out: &mut Vec<Output>) {
        let held = expire(self.take_held(), now, out);
        self.phase = held.map_or(Phase::Down { kept: None }, |held| Phase::Bound { held });
        self.refusals = 0;
    }

    /// Tells the server at once what is new, by extending the lease before its time.
    pub(crate) fn renew(&mut self, now: Moment, random: &mut Random, out: &mut Vec<Output>) {
        self.phase = match self.take() {
            Phase::Bound { held } | Phase::Renewing { held, .. } => {
                let (kind, to) = (held.extension(), held.server());
                let exchange = Exchange::renewal(kind, to, now, held.rebind_at(), random, out);
                Phase::Renewing { held, exchange }
            }
            other => other,
        };
    }

    /// The address of the lease held.
    pub(crate) fn held_address(&self) -> Option<std::net::Ipv4Addr> {
        let held = match &self.phase {
            Phase::Down { kept }
            | Phase::Selecting { kept, .. }
            | Phase::Requesting { kept, .. }
            | Phase::Waiting { kept, .. } => kept.as_ref(),
            Phase::Confirming { held, .. }
            | Phase::Bound { held }
            | Phase::Renewing { held, .. }
            | Phase::Rebinding { held, .. } => Some(held),
        };
        held.map(|held| held.lease.address)
    }
}
