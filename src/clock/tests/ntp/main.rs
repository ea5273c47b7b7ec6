//! The NTP client against a real chronyd, on a clock of the test's own: the machine's is never touched.
//!
//! Needs Debian's `chrony`. Everything is on loopback.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod bench;
mod servers;

use std::net::Ipv4Addr;
use std::time::Duration;

use bench::{Bench, VirtualClock};
use servers::{Chronyd, Kiss};
use sps_clock::NtpServer;

const SECOND: i64 = 1_000_000_000;

#[test]
fn a_clock_years_behind_is_stepped_and_then_follows_the_server() {
    let chronyd = Chronyd::start("local stratum 5");
    let clock = VirtualClock::off_by(-3 * 365 * 86_400 * SECOND);
    let mut bench = Bench::start(&clock, &[chronyd.server()]);
    let state = bench.wait("synchronization", |state| state.synchronized);
    assert_eq!(
        (state.server.as_deref(), state.stratum),
        (Some("127.0.0.1"), Some(5))
    );
    assert!(
        clock.error().abs() < SECOND / 10,
        "still {} ns off",
        clock.error()
    );
    let line = bench.wait_log("clock stepped from 20");
    assert!(line.contains(" to 20"), "{line}");
    assert!(clock.is_marked_synchronized());
}

#[test]
fn a_small_offset_is_slewed_and_never_stepped() {
    let chronyd = Chronyd::start("local stratum 5");
    let clock = VirtualClock::off_by(60 * SECOND / 1000);
    let mut bench = Bench::start(&clock, &[chronyd.server()]);
    bench.wait("synchronization", |state| state.synchronized);
    clock.wait_until("slewing", |clock| clock.frequency().abs() > 1.0);
    let before = clock.error();
    clock.wait_until("a smaller error", |clock| clock.error() < before);
    assert_eq!(bench.count_log("clock stepped"), 0);
}

#[test]
fn a_server_without_a_reference_is_not_believed() {
    // Without `local`, chronyd answers that it is not synchronized itself.
    let lost = Chronyd::start("");
    let clock = VirtualClock::off_by(5 * SECOND);
    let mut bench = Bench::start(&clock, &[lost.server()]);
    bench.wait_log("Unrecognized KISS");
    let state = bench.wait("a problem", |state| state.problem.is_some());
    assert!(!state.synchronized);
    assert_eq!(clock.steps(), 0);
}

#[test]
fn a_dead_server_does_not_keep_a_live_one_from_being_followed() {
    let chronyd = Chronyd::start("local stratum 5");
    let dead = NtpServer {
        host: Ipv4Addr::new(127, 0, 0, 2).to_string(),
        port: chronyd.server().port,
    };
    let clock = VirtualClock::off_by(-40 * SECOND);
    let mut bench = Bench::start(&clock, &[dead, chronyd.server()]);
    let state = bench.wait("synchronization", |state| state.synchronized);
    assert_eq!(state.server.as_deref(), Some("127.0.0.1"));
    assert!(clock.error().abs() < SECOND / 10);
}

#[test]
fn time_before_the_firmware_was_built_is_refused() {
    let chronyd = Chronyd::start("local stratum 5");
    // The clock is two days ahead, and the firmware was built tomorrow: the server's time cannot be.
    let clock = VirtualClock::off_by(2 * 86_400 * SECOND);
    let floor = i64::try_from(bench::real_nanos() / i128::from(SECOND)).unwrap() + 86_400;
    let mut bench = Bench::start_above(floor, &clock, &[chronyd.server()]);
    let state = bench.wait("a refusal", |s| {
        s.problem
            .as_ref()
            .is_some_and(|p| p.contains("before this firmware"))
    });
    assert!(!state.synchronized);
    assert_eq!(clock.steps(), 0);
}

#[test]
fn after_synchronization_a_jump_of_an_hour_is_refused() {
    let chronyd = Chronyd::start("local stratum 5");
    let clock = VirtualClock::off_by(0);
    let mut bench = Bench::start(&clock, &[chronyd.server()]);
    bench.wait("synchronization", |state| state.synchronized);
    let steps = clock.steps();
    // As seen from the client, all servers now claim another hour.
    clock.shift(-3600 * SECOND);
    let state = bench.wait("a refusal", |s| {
        s.problem.as_ref().is_some_and(|p| p.contains("clock left alone"))
    });
    assert!(state.problem.unwrap().contains("check the time servers"));
    assert_eq!(clock.steps(), steps);
    assert!(clock.error() < -3000 * SECOND);
}

#[test]
fn a_server_that_kisses_us_off_is_left_alone() {
    let kiss = Kiss::start(*b"DENY");
    let clock = VirtualClock::off_by(0);
    let bench = Bench::start(&clock, &[kiss.server()]);
    bench.wait_log("refuses to be asked; it is left alone");
    let asked = kiss.asked();
    assert!((1..=4).contains(&asked), "asked {asked} times");
}

#[test]
fn servers_that_come_later_are_used_and_none_is_said() {
    let chronyd = Chronyd::start("local stratum 5");
    let clock = VirtualClock::off_by(-10 * SECOND);
    let mut bench = Bench::start(&clock, &[]);
    let state = bench.wait("a problem", |state| state.problem.is_some());
    assert!(state.problem.unwrap().contains("no time server is known"));
    bench.servers.send_replace(vec![chronyd.server()]);
    bench.wait("synchronization", |state| state.synchronized);
    assert!(clock.error().abs() < SECOND / 10);
}

#[test]
fn garbage_and_oversized_answers_change_nothing() {
    let noise = Kiss::noise();
    let clock = VirtualClock::off_by(0);
    let mut bench = Bench::start(&clock, &[noise.server()]);
    bench.wait_log("invalid packet");
    let state = bench.wait("any state", |_| true);
    assert!(!state.synchronized);
    assert_eq!((clock.steps(), clock.frequency()), (0, 0.0));
    assert!(
        noise.wait_asked(2, Duration::from_secs(30)) >= 2,
        "the client gave up after garbage"
    );
}
