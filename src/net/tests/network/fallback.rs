//! The fallback address: taken after a probe, refused when in use, given up when that is safe.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use sps_net::{AddressOrigin, FALLBACK_ADDRESS};

use crate::lab::{Dnsmasq, Lab, LogReader, Namespace, Service};

/// The appliance's `eth0` cabled to another host's `peer0`.
fn pair(lab: &Lab) -> (Namespace, Namespace) {
    let (host, peer) = (lab.namespace("host"), lab.namespace("peer"));
    lab.cable((&host, "eth0"), (&peer, "peer0"));
    (host, peer)
}

#[test]
fn without_a_server_the_fallback_is_taken_after_three_probes() {
    let lab = Lab::new();
    let (host, peer) = pair(&lab);
    let mut capture = LogReader::capture(&peer, "peer0", "arp");
    let mut service = Service::start(&host);

    for _ in 0..3 {
        capture.wait("Request who-has 192.168.1.1 tell 0.0.0.0");
    }
    assert_eq!(
        host.addresses("eth0"),
        Vec::<String>::new(),
        "address taken before its probe was over"
    );
    let state = service.wait_address("eth0", "192.168.1.1");
    assert_eq!(state.interfaces[0].addresses[0].origin, AddressOrigin::Fallback);
    capture.wait("Request who-has 192.168.1.1 tell 192.168.1.1");
    capture.wait("Request who-has 192.168.1.1 tell 192.168.1.1");
    assert_eq!(host.addresses("eth0"), ["192.168.1.1/24"]);
    service.wait_log("eth0: address 192.168.1.1/24 (fallback: no DHCP server answered)");
}

#[test]
fn an_address_in_use_is_refused_with_its_owner() {
    let lab = Lab::new();
    let (host, peer) = pair(&lab);
    peer.ip("addr add 192.168.1.1/24 dev peer0");
    let owner = peer.mac("peer0");
    let mut service = Service::start(&host);

    let line = service.wait_log("fallback address 192.168.1.1 is in use by");
    assert!(line.contains(&owner), "{line} does not name {owner}");
    let state = service.wait("problem", |s| s.interfaces.iter().any(|i| i.problem.is_some()));
    assert!(
        state.interfaces[0].problem.as_ref().unwrap().contains(&owner),
        "{state:?}"
    );
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
}

#[test]
fn a_host_that_claims_the_fallback_twice_gets_it() {
    let lab = Lab::new();
    let (host, peer) = pair(&lab);
    let mut service = Service::start(&host);
    service.wait_address("eth0", "192.168.1.1");
    // Watching begins after the announcements.
    let mut capture = LogReader::capture(&peer, "peer0", "arp");
    capture.wait("Request who-has 192.168.1.1 tell 192.168.1.1");

    peer.ip("addr add 192.168.1.1/24 dev peer0");
    peer.announce("peer0", FALLBACK_ADDRESS);
    service.wait_log("also claims 192.168.1.1; address defended");
    peer.announce("peer0", FALLBACK_ADDRESS);
    service.wait_log("fallback address 192.168.1.1 given up: another host keeps claiming it");
    service.wait("address gone", |s| {
        s.interfaces[0]
            .addresses
            .iter()
            .all(|a| a.origin != AddressOrigin::Fallback)
    });
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
}

#[test]
fn a_server_that_comes_later_replaces_the_fallback() {
    let lab = Lab::new();
    let (host, peer) = pair(&lab);
    let mut service = Service::start(&host);
    service.wait_address("eth0", "192.168.1.1");

    peer.ip("addr add 10.77.0.1/24 dev peer0");
    let _dnsmasq = Dnsmasq::start(&peer, "peer0", "10.77.0.50,10.77.0.50,255.255.255.0,2m", &[]);
    service.wait_address("eth0", "10.77.0.50");
    assert_eq!(host.addresses("eth0"), ["10.77.0.50/24"]);
}

#[test]
fn an_open_connection_keeps_the_fallback_until_it_is_closed() {
    let lab = Lab::new();
    let (host, peer) = pair(&lab);
    let mut service = Service::start(&host);
    service.wait_address("eth0", "192.168.1.1");
    let listener = host
        .enter(|| TcpListener::bind((FALLBACK_ADDRESS, 443)).unwrap())
        .join()
        .unwrap();
    peer.ip("addr add 192.168.1.2/24 dev peer0");
    let mut person = peer
        .enter(|| TcpStream::connect((FALLBACK_ADDRESS, 443)).unwrap())
        .join()
        .unwrap();
    let (mut page, _) = listener.accept().unwrap();

    peer.ip("addr add 10.77.0.1/24 dev peer0");
    let _dnsmasq = Dnsmasq::start(&peer, "peer0", "10.77.0.50,10.77.0.50,255.255.255.0,2m", &[]);
    service.wait_log("192.168.1.1 stays while a connection to it is open");
    assert_eq!(host.addresses("eth0"), ["192.168.1.1/24"]);
    page.write_all(b"still here").unwrap();
    let mut heard = [0; 10];
    person.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"still here");

    drop((person, page, listener));
    service.wait_address("eth0", "10.77.0.50");
    assert_eq!(host.addresses("eth0"), ["10.77.0.50/24"]);
}

#[test]
fn two_cards_with_carrier_give_the_fallback_to_the_first_and_only_to_it() {
    let lab = Lab::new();
    let (host, peer) = pair(&lab);
    lab.cable((&host, "eth1"), (&peer, "peer1"));
    let mut service = Service::start(&host);
    service.wait_address("eth0", "192.168.1.1");
    assert_eq!(host.addresses("eth1"), Vec::<String>::new());
}

#[test]
fn the_fallback_leaves_a_dead_card_for_a_live_one() {
    let lab = Lab::new();
    let (host, peer) = pair(&lab);
    lab.cable((&host, "eth1"), (&peer, "peer1"));
    let mut service = Service::start(&host);
    service.wait_address("eth0", "192.168.1.1");
    peer.ip("link set peer0 down");
    service.wait_address("eth1", "192.168.1.1");
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
}
