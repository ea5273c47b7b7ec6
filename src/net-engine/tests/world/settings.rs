//! An administrator who keeps changing the settings.

use std::net::Ipv4Addr;

use sps_net_engine::{FALLBACK_ADDRESS, Ipv4Mode, LinkIndex, Settings, StaticAddress};

use super::Dice;
use super::invariants::link_name;

/// Settings that are in order: any mode on any card, with addresses that are at times in the server's range.
pub(crate) fn draw(cards: u32, dice: &mut Dice) -> Settings {
    let with_gateway = dice.roll(u64::from(cards) + 1);
    // An address has one owner, and may move from card to card.
    let with_fallback = dice.roll(2 * u64::from(cards)) + 1;
    let modes = (1..=cards).map(|index| {
        let place = u64::from(index);
        let mode = match place == with_fallback {
            true => fallback(dice),
            false => mode(index, place == with_gateway, dice),
        };
        (link_name(index), mode)
    });
    let interfaces = modes.collect();
    let settings = Settings {
        hostname: Some(format!("sps{}", dice.roll(2))),
        interfaces,
        fallback: dice.odds(80),
        ..Settings::default()
    };
    assert_eq!(settings.check(), Ok(()));
    settings
}

fn mode(index: LinkIndex, gateway: bool, dice: &mut Dice) -> Ipv4Mode {
    let network = u8::try_from(index).unwrap();
    let last = match dice.roll(6) {
        0 | 1 => return Ipv4Mode::Dhcp,
        2 => return Ipv4Mode::Off,
        // An address that the server gives too.
        3 | 4 => 101 + dice.roll(4),
        _ => 50 + dice.roll(3),
    };
    let host = |last: u8| Ipv4Addr::new(10, 0, network, last);
    Ipv4Mode::Static(StaticAddress {
        address: host(u8::try_from(last).unwrap()),
        prefix: if dice.odds(80) { 24 } else { 16 },
        gateway: gateway.then(|| host(1 + u8::try_from(dice.roll(2)).unwrap())),
    })
}

fn fallback(dice: &mut Dice) -> Ipv4Mode {
    Ipv4Mode::Static(StaticAddress {
        address: FALLBACK_ADDRESS,
        prefix: if dice.odds(50) { 24 } else { 16 },
        gateway: None,
    })
}
