//! Upgrade stories with a power cut between any two steps, firmware that fails in every way, and damaged copies of
//! the boot control; the invariants of the crate's contract hold after every step, and at the end of each story,
//! with the power back, something good runs.
//!
//! `SPS_FIRMWARE_SEED=n cargo test -p sps-firmware-engine --test simulation -- --nocapture` replays one seed and
//! prints every step; `SPS_FIRMWARE_CUT=n` does so for one cut of the fixed stories.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod world;

use sps_firmware_engine::grub::Menu;
use sps_image::boot_control::SlotNumber;
use world::{Kind, Power, World};

/// Seeds of an ordinary run; `SPS_FIRMWARE_SEEDS=n` runs more.
const SEEDS: u64 = 1000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// With the power back and nobody interfering, something good runs and boots next; where nothing good is left it is
/// rescue mode, and a person's choice of a normal boot starts the good firmware again.
fn calm_down(world: &mut World) {
    world.power = Power::Steady;
    world.note(|| "the power stays from here on".to_owned());
    world.power_on(Menu::Normal);
    if world.running.unwrap().rescue.is_some() {
        world.normal_boot();
    }
    let running = world.running.unwrap();
    let worn = matches!(world.kind(running.slot), Some(Kind::Wearing(_)));
    let first = world.facts().control.and_then(|control| control.first);
    let settled = running.healthy && running.rescue.is_none() && first == Some(running.slot);
    if !settled && !worn {
        world.fail("the appliance does not come back by itself");
    }
}

#[test]
fn any_story_keeps_the_invariants() {
    let only = setting("SPS_FIRMWARE_SEED");
    let seeds = only.map_or(0..setting("SPS_FIRMWARE_SEEDS").unwrap_or(SEEDS), |seed| {
        seed..seed + 1
    });
    let (mut stories, mut cuts, mut rescues, mut rollbacks) = (0, 0, 0, 0);
    for seed in seeds {
        let mut world = World::new(format!("SPS_FIRMWARE_SEED={seed}"), seed, only.is_some());
        world.power = Power::Fails(seed % 7 * 10);
        world.power_on(Menu::Normal);
        for _ in 0..40 {
            world.something();
        }
        calm_down(&mut world);
        stories += 1;
        cuts += world.cuts;
        rescues += world.rescues;
        rollbacks += world.rollbacks;
    }
    println!("{stories} stories, {cuts} power cuts, {rollbacks} rollbacks, {rescues} starts in rescue mode");
    assert!(only.is_some() || (cuts > 0 && rescues > 0 && rollbacks > 0));
}

/// From N to N+1 and to its end, whatever N+1 is.
fn upgrade(world: &mut World, kind: Kind) {
    world.power_on(Menu::Normal);
    world.add(kind);
    world.activate(SlotNumber::ALL[1]);
    world.power_on(Menu::Normal);
    world.commit();
    world.add(Kind::Good);
    world.activate(SlotNumber::ALL[2]);
    world.power_on(Menu::Normal);
    world.rollback();
    world.power_on(Menu::Normal);
    world.delete(SlotNumber::ALL[2]);
    world.power_on(Menu::Normal);
}

#[test]
fn the_power_may_go_at_every_single_step() {
    let only = setting("SPS_FIRMWARE_CUT");
    let kinds = [
        Kind::Good,
        Kind::PanicsEarly,
        Kind::PanicsLate,
        Kind::NeverHealthy,
        Kind::NotLoadable,
        Kind::Wearing(1),
    ];
    let mut schedules = 0;
    for kind in kinds {
        for cut in only.map_or(0..u32::MAX, |cut| cut as u32..cut as u32 + 1) {
            // A cut write leaves one of three things: each is tried.
            let mut went = false;
            for variant in 0..3 {
                let name = format!("SPS_FIRMWARE_CUT={cut}");
                let mut world = World::new(name, u64::from(cut) * 3 + variant, only.is_some());
                world.power = Power::GoesAfter(cut);
                upgrade(&mut world, kind);
                went |= world.cuts > 0;
                calm_down(&mut world);
                schedules += 1;
            }
            if !went {
                break;
            }
        }
    }
    println!("{schedules} schedules with one power cut each");
    assert!(only.is_some() || schedules > 1000);
}
