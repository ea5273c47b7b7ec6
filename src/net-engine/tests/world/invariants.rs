//! What must hold after every step.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use sps_net_engine::wire::ArpPacket;
use sps_net_engine::{
    Action, Assignment, InterfaceView, Ipv4Mode, LinkIndex, MessageKind, Moment, Origin, Settings,
};

use super::host_mac;
use super::kernel::Kernel;

/// RFC 5227's DEFEND_INTERVAL: a second claim within it must cost the address.
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);
/// An address that nobody promised may only be installed so long after the first of its probes: two gaps and the
/// last wait.
const SHORTEST_PROBE: Duration = Duration::from_secs(4);

type Place = (LinkIndex, Ipv4Addr);

#[derive(Default)]
pub(crate) struct Invariants {
    pub(crate) settings: Settings,
    kernel: Kernel,
    /// When another host last claimed an address on an interface.
    claimed: BTreeMap<Place, Moment>,
    /// The claim before that, while the address was installed.
    claimed_before: BTreeMap<Place, Moment>,
    /// Moments of the probes for an address since it last went.
    probes: BTreeMap<Place, Vec<Moment>>,
}

impl Invariants {
    pub(crate) fn heard(&mut self, index: LinkIndex, packet: &ArpPacket, now: Moment) {
        let place = (index, packet.sender);
        if packet.sender_mac == host_mac(packet.sender)
            && let Some(before) = self.claimed.insert(place, now)
        {
            self.claimed_before.insert(place, before);
        }
    }

    /// Another cable may follow: what was claimed before is forgotten, as its guard is.
    pub(crate) fn link_lost(&mut self, index: LinkIndex) {
        self.claimed.retain(|place, _| place.0 != index);
        self.claimed_before.retain(|place, _| place.0 != index);
    }

    pub(crate) fn acted(&mut self, action: &Action, now: Moment) -> Result<(), String> {
        match action {
            Action::SendArp(index, packet) if packet.is_probe_for(packet.target) => {
                self.probes.entry((*index, packet.target)).or_default().push(now);
                Ok(())
            }
            Action::SendDhcp(index, message, _) => self.asked(*index, message.kind),
            Action::Install(index, new) => self.install(*index, new, now),
            Action::RemoveRoutes(index, old) => self.kernel.remove_routes(*index, old),
            Action::Withdraw(index, old) => {
                self.kernel.withdraw(*index, old)?;
                if !self.kernel.has(*index, old.address) {
                    self.probes.remove(&(*index, old.address));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Where no lease is wanted, one that is still held may be extended and given back; nothing new is asked for.
    fn asked(&self, index: LinkIndex, kind: MessageKind) -> Result<(), String> {
        let new = matches!(
            kind,
            MessageKind::Discover | MessageKind::Select { .. } | MessageKind::Confirm { .. }
        );
        match self.settings.mode(&link_name(index)) {
            Ipv4Mode::Static(_) | Ipv4Mode::Off if new => Err(format!("wish: {kind:?} sent on {index}")),
            _ => Ok(()),
        }
    }

    fn install(&mut self, index: LinkIndex, new: &Assignment, now: Moment) -> Result<(), String> {
        let place = (index, new.address);
        let mode = self.settings.mode(&link_name(index));
        match (new.origin, mode) {
            (Origin::Dhcp, Ipv4Mode::Dhcp | Ipv4Mode::Static(_)) => {}
            (Origin::Static, Ipv4Mode::Static(set)) if Assignment::from(&set) == *new => {
                self.probed(place, now)?;
            }
            (Origin::Fallback, Ipv4Mode::Dhcp) if self.settings.fallback => self.probed(place, now)?,
            (origin, mode) => return Err(format!("wish: {origin:?} installed on {index}, set to {mode:?}")),
        }
        if !self.kernel.has(index, new.address) {
            self.claimed_before.remove(&place);
            self.claimed.remove(&place);
        }
        self.kernel.install(index, new);
        Ok(())
    }

    /// Three probes; for an address that was not in use here long enough ago, and with no claim since the first.
    fn probed(&self, place: Place, now: Moment) -> Result<(), String> {
        let probes = self.probes.get(&place).map_or(&[][..], Vec::as_slice);
        let Some(first) = probes.len().checked_sub(3).and_then(|at| probes.get(at)) else {
            return Err(format!(
                "probe: {place:?} installed after {} probes",
                probes.len()
            ));
        };
        if self.kernel.has(place.0, place.1) {
            return Ok(());
        }
        if now < *first + SHORTEST_PROBE {
            return Err(format!(
                "probe: {place:?} installed {:?} after its first probe",
                now - *first
            ));
        }
        match self.claimed.get(&place) {
            Some(claimed) if claimed >= first => {
                Err(format!("conflict: {place:?} installed, in use at {claimed:?}"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn hold(&self, views: &[InterfaceView]) -> Result<(), String> {
        for view in views {
            let index = view.link.index;
            let all = standing(view);
            if all.len() > 1 {
                return Err(format!("one address: interface {index} has {all:?}"));
            }
            self.kernel.shows(index, all.first())?;
            if let Some(shown) = all.first() {
                if self.settings.mode(&view.link.name) == Ipv4Mode::Off {
                    return Err(format!("off: {index} has {shown:?}"));
                }
                self.not_claimed_twice(index, shown.address)?;
                if self.kernel.owners(shown.address) > 1 {
                    return Err(format!("one owner: {} stands on two interfaces", shown.address));
                }
            }
            let asks = self.settings.mode(&view.link.name) == Ipv4Mode::Dhcp;
            if view.fallback && asks && !self.settings.fallback {
                return Err(format!("wish: {index} has the fallback, which is not wanted"));
            }
        }
        match self.kernel.static_default_routes() {
            0 | 1 => Ok(()),
            many => Err(format!("one gateway: {many} static default routes")),
        }
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

pub(crate) fn link_name(index: LinkIndex) -> String {
    format!("eth{}", index - 1)
}

/// Everything that is shown as standing on an interface.
pub(crate) fn standing(view: &InterfaceView) -> Vec<Assignment> {
    let lease = view.lease.as_ref().map(Assignment::from);
    let fixed = view.fixed.as_ref().map(Assignment::from);
    let fallback = view.fallback.then(Assignment::fallback);
    [lease, fixed, fallback].into_iter().flatten().collect()
}

/// On a change of settings, interfaces that had what they want and want it still are not touched.
pub(crate) fn undisturbed(
    before: &[InterfaceView],
    settings: (&Settings, &Settings),
    actions: &[Action],
) -> Result<(), String> {
    for view in before {
        let (index, name) = (view.link.index, &view.link.name);
        let mode = settings.0.mode(name);
        let settled = match mode {
            Ipv4Mode::Static(set) => view.fixed == Some(set),
            Ipv4Mode::Dhcp => view.lease.is_some(),
            Ipv4Mode::Off => true,
        };
        let touched = actions.iter().any(|action| {
            matches!(action, Action::Install(on, _) | Action::RemoveRoutes(on, _) | Action::Withdraw(on, _) if *on == index)
        });
        if settled && touched && settings.1.mode(name) == mode {
            return Err(format!(
                "flapping: {index} touched by a change elsewhere: {actions:?}"
            ));
        }
    }
    Ok(())
}
