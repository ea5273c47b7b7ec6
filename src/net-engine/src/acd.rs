//! Address conflict detection (RFC 5227): probing before an address is taken, announcing it, watching it, and
//! defending it once.
//!
//! Two ways to begin: [`Acd::probe`] for an address that may be anyone's (the fallback), with all waits of the
//! RFC; [`Acd::claim`] for one a server has just promised to us, which is used while it is being probed
//! (`DECISION-address-conflicts.md`).

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::event::Moment;
use crate::link::MacAddress;
use crate::random::Random;
use crate::wire::ArpPacket;

/// Longest random wait before the first probe (RFC 5227 section 1.1, as all constants here).
pub const PROBE_WAIT: Duration = Duration::from_secs(1);
/// Number of probes.
pub const PROBE_NUM: u8 = 3;
const PROBE_MIN: Duration = Duration::from_secs(1);
/// Longest time between probes.
pub const PROBE_MAX: Duration = Duration::from_secs(2);
/// Time after the last probe until the address counts as free.
pub const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);
const ANNOUNCE_NUM: u8 = 2;
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
/// A second claim by another host within this time of a defence means giving up (section 2.4 (b)).
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// The guard of one address on one interface.
#[derive(Clone, Debug)]
pub(crate) struct Acd {
    mac: MacAddress,
    address: Ipv4Addr,
    /// The address is ours by a server's word: a foreign probe for it is no conflict, the kernel answers it.
    claimed: bool,
    /// The address is no longer wanted here: whoever wants it gets it.
    yielding: bool,
    phase: Phase,
    defended: Option<Moment>,
}

#[derive(Clone, Debug)]
enum Phase {
    Probing { sent: u8, next: Moment },
    Announcing { sent: u8, next: Moment },
    Watching,
}

/// What comes out of a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Send(ArpPacket),
    /// No one answered the probes.
    Clear,
    /// Another host has the address, and keeps it.
    Conflict(MacAddress),
    /// Another host claimed the address; it was told off.
    Defended(MacAddress),
}

impl Acd {
    pub(crate) fn probe(mac: MacAddress, address: Ipv4Addr, now: Moment, random: &mut Random) -> Self {
        let next = now + random.between(Duration::ZERO, PROBE_WAIT);
        Self {
            mac,
            address,
            claimed: false,
            yielding: false,
            phase: Phase::Probing { sent: 0, next },
            defended: None,
        }
    }

    pub(crate) fn claim(mac: MacAddress, address: Ipv4Addr, now: Moment) -> Self {
        Self {
            mac,
            address,
            claimed: true,
            yielding: false,
            phase: Phase::Probing { sent: 0, next: now },
            defended: None,
        }
    }

    /// Whether the address is given up to the first host that wants it, instead of defended.
    pub(crate) fn set_yielding(&mut self, yielding: bool) {
        self.yielding = yielding;
    }

    /// Whether the probes are over without an answer.
    pub(crate) fn is_clear(&self) -> bool {
        !matches!(self.phase, Phase::Probing { .. })
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    pub(crate) fn deadline(&self) -> Option<Moment> {
        match self.phase {
            Phase::Probing { next, .. } | Phase::Announcing { next, .. } => Some(next),
            Phase::Watching => None,
        }
    }

    pub(crate) fn on_time(&mut self, now: Moment, random: &mut Random) -> Vec<Outcome> {
        if self.deadline().is_none_or(|at| now < at) {
            return Vec::new();
        }
        match self.phase {
            Phase::Probing { sent, .. } if sent < PROBE_NUM => {
                let sent = sent + 1;
                let wait = if sent == PROBE_NUM {
                    ANNOUNCE_WAIT
                } else {
                    random.between(PROBE_MIN, PROBE_MAX)
                };
                self.phase = Phase::Probing {
                    sent,
                    next: now + wait,
                };
                vec![Outcome::Send(ArpPacket::probe(self.mac, self.address))]
            }
            Phase::Probing { .. } => {
                self.phase = Phase::Announcing {
                    sent: 1,
                    next: now + ANNOUNCE_INTERVAL,
                };
                vec![Outcome::Clear, self.announcement()]
            }
            Phase::Announcing { sent, .. } => {
                let sent = sent + 1;
                let over = sent >= ANNOUNCE_NUM;
                self.phase = if over {
                    Phase::Watching
                } else {
                    Phase::Announcing {
                        sent,
                        next: now + ANNOUNCE_INTERVAL,
                    }
                };
                vec![self.announcement()]
            }
            Phase::Watching => Vec::new(),
        }
    }

    pub(crate) fn on_arp(&mut self, packet: &ArpPacket, now: Moment) -> Vec<Outcome> {
        let claims = packet.sender == self.address;
        let disputed = self.yielding || !(self.claimed || self.is_clear());
        let contends = disputed && packet.is_probe_for(self.address);
        let other = packet.sender_mac;
        if other == self.mac || !(claims || contends) {
            return Vec::new();
        }
        let just_defended = self.defended.is_some_and(|at| now < at + DEFEND_INTERVAL);
        if self.yielding || !self.is_clear() || just_defended {
            return vec![Outcome::Conflict(other)];
        }
        self.defended = Some(now);
        vec![self.announcement(), Outcome::Defended(other)]
    }

    fn announcement(&self) -> Outcome {
        Outcome::Send(ArpPacket::announcement(self.mac, self.address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ArpOperation;

    const OWN: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
    const OTHER: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

    fn reply_from(mac: MacAddress) -> ArpPacket {
        let operation = ArpOperation::Reply;
        ArpPacket {
            operation,
            sender_mac: mac,
            sender: ADDRESS,
            target_mac: OWN,
            target: Ipv4Addr::UNSPECIFIED,
        }
    }

    /// Runs the guard until it rests; returns (moment, outcome) pairs.
    fn run(acd: &mut Acd, random: &mut Random) -> Vec<(Moment, Outcome)> {
        let mut seen = Vec::new();
        while let Some(at) = acd.deadline() {
            seen.extend(acd.on_time(at, random).into_iter().map(|o| (at, o)));
        }
        seen
    }

    #[test]
    fn probes_and_announcements_keep_the_timing_of_the_rfc() {
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let mut acd = Acd::probe(OWN, ADDRESS, Duration::ZERO, &mut random);
            let seen = run(&mut acd, &mut random);
            let times: Vec<_> = seen.iter().map(|s| s.0).collect();
            let probe = Outcome::Send(ArpPacket::probe(OWN, ADDRESS));
            assert!(
                seen[..3].iter().all(|s| s.1 == probe) && seen[3].1 == Outcome::Clear,
                "seed {seed}: {seen:?}"
            );
            assert!(times[0] <= PROBE_WAIT, "seed {seed}");
            for gap in [times[1] - times[0], times[2] - times[1]] {
                assert!((PROBE_MIN..=PROBE_MAX).contains(&gap), "seed {seed}: {gap:?}");
            }
            assert_eq!(times[3] - times[2], ANNOUNCE_WAIT);
            assert_eq!(times[5] - times[4], ANNOUNCE_INTERVAL);
            assert_eq!(seen.len(), 6);
        }
    }

    #[test]
    fn an_answer_or_another_prober_is_a_conflict_while_probing() {
        for packet in [
            reply_from(OTHER),
            ArpPacket::probe(OTHER, ADDRESS),
            ArpPacket::announcement(OTHER, ADDRESS),
        ] {
            let mut acd = Acd::probe(OWN, ADDRESS, Duration::ZERO, &mut Random::new(1));
            assert_eq!(acd.on_arp(&packet, Duration::ZERO), [Outcome::Conflict(OTHER)]);
        }
    }

    #[test]
    fn own_packets_and_packets_for_others_are_no_conflict() {
        let mut acd = Acd::probe(OWN, ADDRESS, Duration::ZERO, &mut Random::new(1));
        for packet in [
            reply_from(OWN),
            ArpPacket::probe(OTHER, Ipv4Addr::new(192, 168, 1, 2)),
        ] {
            assert_eq!(acd.on_arp(&packet, Duration::ZERO), []);
        }
    }

    #[test]
    fn a_claimed_address_does_not_fear_the_probes_of_others() {
        let mut acd = Acd::claim(OWN, ADDRESS, Duration::ZERO);
        assert_eq!(acd.on_arp(&ArpPacket::probe(OTHER, ADDRESS), Duration::ZERO), []);
        assert_eq!(
            acd.on_arp(&reply_from(OTHER), Duration::ZERO),
            [Outcome::Conflict(OTHER)]
        );
    }

    #[test]
    fn an_address_in_use_is_defended_once_in_ten_seconds() {
        let mut random = Random::new(1);
        let mut acd = Acd::claim(OWN, ADDRESS, Duration::ZERO);
        run(&mut acd, &mut random);
        let at = |seconds| Duration::from_secs(seconds);
        assert!(
            acd.on_arp(&reply_from(OTHER), at(100))
                .contains(&Outcome::Defended(OTHER))
        );
        assert!(
            acd.on_arp(&reply_from(OTHER), at(111))
                .contains(&Outcome::Defended(OTHER))
        );
        assert_eq!(
            acd.on_arp(&reply_from(OTHER), at(120)),
            [Outcome::Conflict(OTHER)]
        );
    }

    #[test]
    fn an_address_no_longer_wanted_is_given_to_whoever_asks() {
        let mut random = Random::new(1);
        for packet in [reply_from(OTHER), ArpPacket::probe(OTHER, ADDRESS)] {
            let mut acd = Acd::claim(OWN, ADDRESS, Duration::ZERO);
            run(&mut acd, &mut random);
            acd.set_yielding(true);
            let at = Duration::from_secs(100);
            assert_eq!(acd.on_arp(&packet, at), [Outcome::Conflict(OTHER)]);
        }
    }
}
