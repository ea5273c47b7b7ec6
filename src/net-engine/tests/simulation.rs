//! The engine on simulated networks: loss, duplicates, late answers, conflicts, flapping links, silent and lying
//! servers; by seed, with named invariants after every step, and a liveness phase at the end of each run.
//!
//! `SPS_NET_SEED=n cargo test -p sps-net-engine --test simulation` replays one seed and prints its event log.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod world;

use std::time::Duration;

use world::{Plan, World};

/// Seeds of an ordinary run.
const SEEDS: u64 = 400;

fn each_seed(plan: impl Fn(u64) -> Plan) {
    let only = std::env::var("SPS_NET_SEED")
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    let seeds = only.map_or(0..SEEDS, |seed| seed..seed + 1);
    for seed in seeds {
        let mut world = World::new(seed, plan(seed), only.is_some());
        world.chaos(Duration::from_secs(900));
        world.calm_down();
    }
}

#[test]
fn one_card_with_everything_going_wrong() {
    each_seed(|_| Plan {
        cards: 1,
        ..Plan::default()
    });
}

#[test]
fn three_cards_with_everything_going_wrong() {
    each_seed(|_| Plan {
        cards: 3,
        ..Plan::default()
    });
}

#[test]
fn a_network_whose_addresses_are_often_taken() {
    each_seed(|_| Plan {
        cards: 2,
        squatters: 60,
        ..Plan::default()
    });
}

#[test]
fn servers_that_refuse_and_lie() {
    each_seed(|_| Plan {
        cards: 2,
        refusals: 40,
        nonsense: 30,
        ..Plan::default()
    });
}

#[test]
fn settings_that_change_all_the_time() {
    each_seed(|seed| Plan {
        cards: 1 + u32::try_from(seed % 3).unwrap(),
        server: !seed.is_multiple_of(4),
        disturbances: 12,
        changes: 40,
        ..Plan::default()
    });
}

#[test]
fn settings_that_change_on_networks_whose_addresses_are_often_taken() {
    each_seed(|seed| Plan {
        cards: 2,
        server: !seed.is_multiple_of(3),
        disturbances: 20,
        changes: 25,
        squatters: 50,
        ..Plan::default()
    });
}

#[test]
fn no_server_at_all_gives_the_fallback_to_one_card_or_names_its_owner() {
    for seed in 0..SEEDS {
        let plan = Plan {
            cards: 3,
            server: false,
            ..Plan::default()
        };
        let mut world = World::new(seed, plan, false);
        world.chaos(Duration::from_secs(300));
        world.calm_down();
    }
}

#[test]
fn an_undisturbed_card_has_its_lease_within_two_round_trips() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed, Plan::quiet(), false);
        let leased_at = world.run_until_leased(Duration::from_secs(5));
        assert!(
            leased_at <= 4 * world::QUIET_DELAY,
            "seed {seed}: leased only after {leased_at:?}"
        );
    }
}
