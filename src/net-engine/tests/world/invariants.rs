//! What must hold after every step.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use sps_net_engine::wire::ArpPacket;
use sps_net_engine::{Action, FALLBACK_ADDRESS, InterfaceView, LinkIndex, Moment};

use super::host_mac;

/// RFC 5227's DEFEND_INTERVAL: a second claim within it must cost the address.
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);
/// A fallback address may only be installed so long after the first of its probes: two gaps and the last wait.
const SHORTEST_PROBE: Duration = Duration::from_secs(4);

#[derive(Default)]
pub(crate) struct Invariants {
    /// Addresses as the kernel would have them, by interface.
    installed: BTreeMap<LinkIndex, Vec<Ipv4Addr>>,
    /// When another host last claimed an address on an interface.
    claimed: BTreeMap<(LinkIndex, Ipv4Addr), Moment>,
    /// The claim before that, while the address was installed.
    claimed_before: BTreeMap<(LinkIndex, Ipv4Addr), Moment>,
    /// Moments of the last probes for the fallback address.
    probes: BTreeMap<LinkIndex, Vec<Moment>>,
}

impl Invariants {
    pub(crate) fn heard(&mut self, index: LinkIndex, packet: &ArpPacket, now: Moment) {
        let address = packet.sender;
        if packet.sender_mac == host_mac(address)
            && let Some(before) = self.claimed.insert((index, address), now)
        {
            self.claimed_before.insert((index, address), before);
        }
    }

    pub(crate) fn acted(&mut self, action: &Action, now: Moment) -> Result<(), String> {
        match action {
            Action::SendArp(index, packet) if packet.is_probe_for(FALLBACK_ADDRESS) => {
                self.probes.entry(*index).or_default().push(now);
                Ok(())
            }
            Action::InstallLease(index, lease) => self.install(*index, lease.address),
            Action::InstallFallback(index) => {
                self.probed(*index, now)?;
                self.install(*index, FALLBACK_ADDRESS)
            }
            Action::Withdraw(index, address) => self.withdraw(*index, *address),
            _ => Ok(()),
        }
    }

    fn install(&mut self, index: LinkIndex, address: Ipv4Addr) -> Result<(), String> {
        self.claimed_before.remove(&(index, address));
        self.claimed.remove(&(index, address));
        let here = self.installed.entry(index).or_default();
        if !here.is_empty() {
            return Err(format!(
                "one address: {address} installed on {index} beside {here:?}"
            ));
        }
        here.push(address);
        let fallbacks = self
            .installed
            .values()
            .flatten()
            .filter(|a| **a == FALLBACK_ADDRESS)
            .count();
        if fallbacks > 1 {
            Err("one fallback: installed on two interfaces".to_owned())
        } else {
            Ok(())
        }
    }

    fn withdraw(&mut self, index: LinkIndex, address: Ipv4Addr) -> Result<(), String> {
        let here = self.installed.entry(index).or_default();
        let before = here.len();
        here.retain(|known| *known != address);
        if here.len() == before {
            Err(format!("tidiness: {address} withdrawn from {index}, not there"))
        } else {
            Ok(())
        }
    }

    /// Three probes, long enough ago, and no claim since the first of them.
    fn probed(&mut self, index: LinkIndex, now: Moment) -> Result<(), String> {
        let probes = self.probes.remove(&index).unwrap_or_default();
        let Some(first) = probes.len().checked_sub(3).and_then(|at| probes.get(at)) else {
            return Err(format!(
                "probe: fallback installed on {index} after {} probes",
                probes.len()
            ));
        };
        if now < *first + SHORTEST_PROBE {
            return Err(format!(
                "probe: fallback installed on {index} {:?} after its first probe",
                now - *first
            ));
        }
        match self.claimed.get(&(index, FALLBACK_ADDRESS)) {
            Some(claimed) if claimed >= first => Err(format!(
                "conflict: fallback installed on {index}, in use at {claimed:?}"
            )),
            _ => Ok(()),
        }
    }

    pub(crate) fn hold(&self, views: &[InterfaceView]) -> Result<(), String> {
        for view in views {
            let index = view.link.index;
            let lease = view.lease.as_ref().map(|lease| lease.address);
            if lease.is_some() && view.fallback {
                return Err(format!("either: interface {index} has a lease and the fallback"));
            }
            let shown = lease.or(view.fallback.then_some(FALLBACK_ADDRESS));
            let installed = self.installed.get(&index).and_then(|here| here.first()).copied();
            if shown != installed {
                return Err(format!(
                    "truth: {index} shows {shown:?}, the kernel has {installed:?}"
                ));
            }
            if let Some(address) = shown {
                self.not_claimed_twice(index, address)?;
            }
        }
        Ok(())
    }

    fn not_claimed_twice(&self, index: LinkIndex, address: Ipv4Addr) -> Result<(), String> {
        let key = (index, address);
        let (Some(last), Some(before)) = (self.claimed.get(&key), self.claimed_before.get(&key)) else {
            return Ok(());
        };
        if *last < *before + DEFEND_INTERVAL {
            return Err(format!(
                "conflict: {address} kept on {index}, claimed at {before:?} and {last:?}"
            ));
        }
        Ok(())
    }
}
