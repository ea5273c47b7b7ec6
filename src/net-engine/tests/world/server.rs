//! A DHCP server with a pool of addresses; it learns from declines, and may refuse and talk nonsense.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use sps_net_engine::wire::{Reply, ReplyKind};
use sps_net_engine::{ClientMessage, LinkIndex, MacAddress, MessageKind};

use super::Dice;

/// Addresses of a pool.
const POOL: u8 = 40;
/// Seconds of a lease: short, so that a run sees many renewals.
const LEASE: u32 = 120;

pub(crate) struct Server {
    network: u8,
    declined: BTreeSet<Ipv4Addr>,
}

impl Server {
    pub(crate) fn new(index: LinkIndex) -> Self {
        Self {
            network: u8::try_from(index).unwrap(),
            declined: BTreeSet::new(),
        }
    }

    pub(crate) fn pool(&self) -> Vec<Ipv4Addr> {
        (1..=POOL)
            .map(|host| Ipv4Addr::new(10, 0, self.network, 100 + host))
            .collect()
    }

    /// An administrator's reservation for another host.
    pub(crate) fn avoid(&mut self, address: Ipv4Addr) {
        self.declined.insert(address);
    }

    pub(crate) fn answer(
        &mut self,
        message: &ClientMessage,
        client: MacAddress,
        (refusals, nonsense): (u64, u64),
        dice: &mut Dice,
    ) -> Vec<Reply> {
        let reply = match message.kind {
            MessageKind::Discover => self
                .free()
                .map(|address| self.reply(ReplyKind::Offer, address, client)),
            MessageKind::Select { address, server } if server == self.address() => {
                Some(self.decide(address, client, dice.odds(refusals)))
            }
            MessageKind::Confirm { address } | MessageKind::Extend { address } => {
                Some(self.decide(address, client, dice.odds(refusals)))
            }
            MessageKind::Decline { address, .. } => {
                self.declined.insert(address);
                None
            }
            MessageKind::Select { .. } | MessageKind::Release { .. } => None,
        };
        let mut replies: Vec<_> = reply
            .map(|reply| Reply {
                xid: message.xid,
                ..reply
            })
            .into_iter()
            .collect();
        if dice.odds(nonsense) {
            replies.insert(0, self.lie(message.xid, client, dice));
        }
        replies
    }

    fn decide(&self, address: Ipv4Addr, client: MacAddress, refuse: bool) -> Reply {
        let kind = if refuse || self.declined.contains(&address) {
            ReplyKind::Nak
        } else {
            ReplyKind::Ack
        };
        self.reply(kind, address, client)
    }

    /// The first address nobody declined: every client of a cable is this one.
    fn free(&self) -> Option<Ipv4Addr> {
        self.pool()
            .into_iter()
            .find(|address| !self.declined.contains(address))
    }

    fn address(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, self.network, 1)
    }

    fn reply(&self, kind: ReplyKind, address: Ipv4Addr, client: MacAddress) -> Reply {
        Reply {
            kind,
            xid: 0,
            client,
            address,
            server: Some(self.address()),
            mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
            lease: Some(LEASE),
            renew: None,
            rebind: None,
            routers: vec![self.address()],
            routes: None,
            dns: vec![],
            ntp: vec![],
            domain: None,
        }
    }

    /// A message with something wrong in it.
    fn lie(&self, xid: u32, client: MacAddress, dice: &mut Dice) -> Reply {
        let offer = Reply {
            xid,
            ..self.reply(ReplyKind::Offer, Ipv4Addr::new(10, 0, self.network, 250), client)
        };
        match dice.roll(6) {
            0 => Reply {
                xid: xid.wrapping_add(1),
                ..offer
            },
            1 => Reply {
                client: MacAddress([9; 6]),
                ..offer
            },
            2 => Reply {
                address: Ipv4Addr::LOCALHOST,
                ..offer
            },
            3 => Reply {
                lease: Some(0),
                ..offer
            },
            4 => Reply {
                server: None,
                ..offer
            },
            _ => Reply {
                kind: ReplyKind::Ack,
                address: Ipv4Addr::new(10, 99, 0, 9),
                ..offer
            },
        }
    }
}
