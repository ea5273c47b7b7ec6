//! Routing of marked packets, as `ip` sees it.

use sps_net::diversion;

use crate::firewall::runtime;
use crate::lab::{Lab, Namespace};

fn set(namespace: &Namespace, on: bool) {
    let done = namespace.enter(move || runtime().block_on(diversion::set(on)));
    done.join().unwrap().unwrap();
}

#[test]
fn marked_packets_are_led_to_the_appliance_and_no_more() {
    let lab = Lab::new();
    let host = lab.namespace("host");
    let state = || {
        let families = ["-4", "-6"];
        families.map(|family| {
            let rules = host.ip(&format!("{family} rule list"));
            let routes = host.ip(&format!("{family} route list table all"));
            let own = routes.lines().filter(|line| line.contains("table 100"));
            (rules, own.map(str::trim).collect::<Vec<_>>().join("\n"))
        })
    };
    let before = state();
    // Twice: what an earlier process left counts.
    for _ in 0..2 {
        set(&host, true);
        for (rules, routes) in state() {
            let own: Vec<&str> = rules.lines().filter(|line| line.contains("fwmark")).collect();
            assert_eq!(own, ["100:\tfrom all fwmark 0x1 lookup 100"], "{rules}");
            assert!(routes.starts_with("local default dev lo table 100"), "{routes}");
            assert_eq!(routes.lines().count(), 1, "{routes}");
        }
    }
    for _ in 0..2 {
        set(&host, false);
        assert_eq!(state(), before);
    }
}
