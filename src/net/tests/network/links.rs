//! Cards that are dead, come, go, and are not there.

use std::time::Duration;

use crate::lab::{Dnsmasq, Lab, Service, service::settings};

const ONE: &str = "10.77.0.50,10.77.0.50,255.255.255.0,2m";

#[test]
fn a_live_card_does_not_wait_for_a_dead_and_a_silent_one() {
    let lab = Lab::new();
    let (host, server) = (lab.namespace("host"), lab.namespace("server"));
    lab.cable((&host, "eth0"), (&server, "dead0"));
    lab.cable((&host, "eth1"), (&server, "silent0"));
    lab.cable((&host, "eth2"), (&server, "srv0"));
    server.ip("link set dead0 down");
    server.ip("addr add 10.77.0.1/24 dev srv0");
    let _dnsmasq = Dnsmasq::start(&server, "srv0", ONE, &[]);
    // A fallback that is never due: what arrives, arrives without it.
    let patient = sps_net::NetworkSettings {
        fallback_after: Duration::from_secs(3600),
        ..settings()
    };
    let mut service = Service::start_with(&host, patient);

    let state = service.wait_address("eth2", "10.77.0.50");
    let carriers: Vec<_> = state
        .interfaces
        .iter()
        .map(|i| (i.name.as_str(), i.carrier))
        .collect();
    assert_eq!(carriers, [("eth0", false), ("eth1", true), ("eth2", true)]);
    assert!(
        state.interfaces[0]
            .problem
            .as_ref()
            .unwrap()
            .contains("check the cable")
    );
}

#[test]
fn a_lease_on_one_card_means_no_fallback_on_another() {
    let lab = Lab::new();
    let (host, server) = (lab.namespace("host"), lab.namespace("server"));
    lab.cable((&host, "eth0"), (&server, "silent0"));
    lab.cable((&host, "eth1"), (&server, "srv0"));
    server.ip("addr add 10.77.0.1/24 dev srv0");
    let _dnsmasq = Dnsmasq::start(&server, "srv0", ONE, &[]);
    let mut service = Service::start(&host);
    service.wait_address("eth1", "10.77.0.50");
    // The silent card has said so well after the fallback would have been due.
    service.wait_log("eth0: no DHCP server answered");
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
    assert_eq!(service.count_log("192.168.1.1"), 0);
}

#[test]
fn no_card_is_said_and_one_that_comes_later_is_used() {
    let lab = Lab::new();
    let (host, server) = (lab.namespace("host"), lab.namespace("server"));
    let mut service = Service::start(&host);
    service.wait_log("no network interface found: add a network card");
    assert!(host.ip("addr show dev lo").contains("127.0.0.1/8"));

    lab.cable((&host, "eth0"), (&server, "srv0"));
    server.ip("addr add 10.77.0.1/24 dev srv0");
    let _dnsmasq = Dnsmasq::start(&server, "srv0", ONE, &[]);
    service.wait_address("eth0", "10.77.0.50");
    host.ip("link del eth0");
    service.wait("card gone", |state| state.interfaces.is_empty());
    service.wait_log("eth0: interface is gone");
}

#[test]
fn a_cable_pulled_and_plugged_again_confirms_the_lease() {
    let lab = Lab::new();
    let (host, server) = (lab.namespace("host"), lab.namespace("server"));
    lab.cable((&host, "eth0"), (&server, "srv0"));
    server.ip("addr add 10.77.0.1/24 dev srv0");
    let _dnsmasq = Dnsmasq::start(&server, "srv0", ONE, &["--dhcp-authoritative"]);
    let mut service = Service::start(&host);
    service.wait_address("eth0", "10.77.0.50");

    server.ip("link set srv0 down");
    service.wait("link down", |state| !state.interfaces[0].carrier);
    assert_eq!(
        host.addresses("eth0"),
        ["10.77.0.50/24"],
        "a short loss of the link must not cost the address"
    );
    server.ip("link set srv0 up");
    service.wait_log("eth0: lease of 10.77.0.50 renewed");
    assert!(
        host.routes().contains("default via 10.77.0.1"),
        "{}",
        host.routes()
    );
}

#[test]
fn a_cable_plugged_into_another_network_gets_its_address_there() {
    let lab = Lab::new();
    let (host, server) = (lab.namespace("host"), lab.namespace("server"));
    lab.cable((&host, "eth0"), (&server, "srv0"));
    server.ip("addr add 10.77.0.1/24 dev srv0");
    let first = Dnsmasq::start(&server, "srv0", ONE, &[]);
    let mut service = Service::start(&host);
    service.wait_address("eth0", "10.77.0.50");

    server.ip("link set srv0 down");
    service.wait("link down", |state| !state.interfaces[0].carrier);
    drop(first);
    server.ip("addr flush dev srv0");
    server.ip("addr add 10.78.0.1/24 dev srv0");
    server.ip("link set srv0 up");
    let other = "10.78.0.50,10.78.0.50,255.255.255.0,2m";
    let _second = Dnsmasq::start(&server, "srv0", other, &["--dhcp-authoritative"]);
    service.wait_address("eth0", "10.78.0.50");
    assert_eq!(host.addresses("eth0"), ["10.78.0.50/24"]);
}

#[test]
fn interfaces_made_by_others_are_left_alone_and_leftovers_removed() {
    let lab = Lab::new();
    let (host, server) = (lab.namespace("host"), lab.namespace("server"));
    lab.cable((&host, "eth0"), (&server, "srv0"));
    host.ip("link add macvlan7 link eth0 type macvlan");
    host.ip("addr add 10.99.0.1/24 dev macvlan7");
    host.ip("addr add 10.98.0.1/24 dev eth0");
    let mut service = Service::start(&host);
    let state = service.wait("interfaces", |state| !state.interfaces.is_empty());
    assert_eq!(state.interfaces.len(), 1, "{state:?}");
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
    assert_eq!(host.addresses("macvlan7"), ["10.99.0.1/24"]);
}
