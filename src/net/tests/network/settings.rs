//! What an administrator sets, while the service runs; `ip`, `tcpdump` and the DHCP server are the witnesses.

use sps_net::{AddressOrigin, Ipv4Mode, NetworkSettings, StaticAddress};

use crate::lab::service::settings;
use crate::lab::{Dnsmasq, Lab, LogReader, Namespace, Service};

const RANGE: &str = "10.77.0.50,10.77.0.50,255.255.255.0,2m";

/// The appliance's `eth0`, cabled to a server's `srv0` at 10.77.0.1.
fn pair(lab: &Lab) -> (Namespace, Namespace) {
    let (host, server) = (lab.namespace("host"), lab.namespace("server"));
    lab.cable((&host, "eth0"), (&server, "srv0"));
    server.ip("addr add 10.77.0.1/24 dev srv0");
    (host, server)
}

fn fixed(address: [u8; 4], prefix: u8, gateway: Option<[u8; 4]>) -> Ipv4Mode {
    Ipv4Mode::Static(StaticAddress {
        address: address.into(),
        prefix,
        gateway: gateway.map(Into::into),
    })
}

/// With settings for `eth0` from the start.
fn starting_with(mode: Ipv4Mode) -> NetworkSettings {
    NetworkSettings {
        interfaces: [("eth0".to_owned(), mode)].into(),
        ..settings()
    }
}

fn defaults(host: &Namespace) -> Vec<String> {
    let routes = host.routes();
    let defaults = routes.lines().filter(|line| line.starts_with("default"));
    defaults.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn dhcp_static_off_and_dhcp_again_without_touching_the_other_interface() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    lab.cable((&host, "eth1"), (&server, "srv1"));
    server.ip("addr add 10.78.0.1/24 dev srv1");
    let mut dnsmasq = Dnsmasq::start(&server, "srv0", RANGE, &[]);
    let _other = Dnsmasq::start(&server, "srv1", "10.78.0.50,10.78.0.50,255.255.255.0,2m", &[]);
    let mut service = Service::start(&host);
    service.wait_address("eth0", "10.77.0.50");
    service.wait_address("eth1", "10.78.0.50");
    let mut changes = LogReader::changes(&host);
    let mut arp = LogReader::capture(&server, "srv0", "arp");

    service.set("eth0", fixed([10, 77, 0, 9], 24, Some([10, 77, 0, 1])));
    for _ in 0..3 {
        arp.wait("Request who-has 10.77.0.9 tell 0.0.0.0");
    }
    arp.wait("Request who-has 10.77.0.9 tell 10.77.0.9");
    changes.wait("inet 10.77.0.9/24");
    let route = changes.wait("default via 10.77.0.1");
    assert!(!route.contains("Deleted"), "{route}");
    let former = changes.wait("inet 10.77.0.50/24");
    assert!(former.contains("Deleted"), "{former}");
    dnsmasq.log.wait("DHCPRELEASE(srv0) 10.77.0.50");
    let state = service.wait("static state", |s| {
        s.interfaces[0].addresses[0].origin == AddressOrigin::Static
    });
    assert_eq!(state.interfaces[0].gateway, Some([10, 77, 0, 1].into()));
    assert_eq!(state.interfaces[0].dhcp_server, None);
    assert_eq!(host.addresses("eth0"), ["10.77.0.9/24"]);
    let first = &defaults(&host)[0];
    assert!(
        first.starts_with("default via 10.77.0.1 dev eth0 proto static src 10.77.0.9"),
        "{first}"
    );
    arp.wait("Request who-has 10.77.0.9 tell 10.77.0.9");

    service.set("eth0", Ipv4Mode::Off);
    service.wait("nothing", |s| {
        s.interfaces[0]
            .addresses
            .iter()
            .all(|a| a.origin != AddressOrigin::Static)
    });
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
    assert_eq!(defaults(&host).len(), 1, "{}", host.routes());

    service.set("eth0", Ipv4Mode::Dhcp);
    service.wait_address("eth0", "10.77.0.50");
    assert_eq!(host.addresses("eth0"), ["10.77.0.50/24"]);
    assert_eq!(changes.seen("eth1"), Vec::<String>::new());
    assert_eq!(service.count_log("kernel refused"), 0);
}

#[test]
fn a_static_address_in_use_is_shown_with_its_owner_while_the_lease_stays() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    let neighbour = lab.namespace("neighbour");
    server.share("srv0", &neighbour, "host0");
    neighbour.ip("addr add 10.77.0.9/24 dev host0");
    let owner = neighbour.mac("host0");
    let _dnsmasq = Dnsmasq::start(&server, "srv0", RANGE, &[]);
    let mut service = Service::start(&host);
    service.wait_address("eth0", "10.77.0.50");
    let mut changes = LogReader::changes(&host);

    service.set("eth0", fixed([10, 77, 0, 9], 24, None));
    let line = service.wait_log("static address 10.77.0.9 is in use by");
    assert!(line.contains(&owner), "{line} does not name {owner}");
    let state = service.wait("problem", |s| s.interfaces[0].problem.is_some());
    let problem = state.interfaces[0].problem.clone().unwrap();
    assert!(
        problem.contains(&owner) && problem.contains("10.77.0.9"),
        "{problem}"
    );
    assert_eq!(host.addresses("eth0"), ["10.77.0.50/24"]);
    assert_eq!(changes.seen("eth0"), Vec::<String>::new());

    service.set("eth0", fixed([10, 77, 0, 10], 24, None));
    let state = service.wait_address("eth0", "10.77.0.10");
    assert_eq!(state.interfaces[0].problem, None);
    assert_eq!(host.addresses("eth0"), ["10.77.0.10/24"]);
    assert_eq!(defaults(&host), Vec::<String>::new());
}

#[test]
fn a_static_address_from_the_start_is_defended_once_and_never_replaced_by_the_fallback() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    let mut arp = LogReader::capture(&server, "srv0", "arp");
    let mut service = Service::start_with(&host, starting_with(fixed([10, 77, 0, 9], 24, None)));
    service.wait_address("eth0", "10.77.0.9");
    for _ in 0..2 {
        arp.wait("Request who-has 10.77.0.9 tell 10.77.0.9");
    }
    server.announce("srv0", [10, 77, 0, 9].into());
    service.wait_log("also claims 10.77.0.9; address defended");
    assert_eq!(host.addresses("eth0"), ["10.77.0.9/24"]);
    server.announce("srv0", [10, 77, 0, 9].into());
    let owner = server.mac("srv0");
    let state = service.wait("problem", |s| s.interfaces[0].problem.is_some());
    assert!(
        state.interfaces[0].problem.as_ref().unwrap().contains(&owner),
        "{state:?}"
    );
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
    // Another interface that may get the fallback says when it was due; this one does not get it.
    lab.cable((&host, "eth1"), (&server, "srv1"));
    service.wait_address("eth1", "192.168.1.1");
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
}

#[test]
fn the_leased_address_becomes_static_where_it_stands_and_leased_again() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    let mut dnsmasq = Dnsmasq::start(&server, "srv0", RANGE, &[]);
    let mut service = Service::start(&host);
    service.wait_address("eth0", "10.77.0.50");
    let mut changes = LogReader::changes(&host);

    service.set("eth0", fixed([10, 77, 0, 50], 24, Some([10, 77, 0, 2])));
    service.wait("static state", |s| {
        s.interfaces[0].addresses[0].origin == AddressOrigin::Static
    });
    let only = defaults(&host);
    assert!(
        only[0].starts_with("default via 10.77.0.2 dev eth0 proto static"),
        "{only:?}"
    );
    assert_eq!(only.len(), 1);
    service.set("eth0", fixed([10, 77, 0, 50], 16, Some([10, 77, 9, 2])));
    service.wait("wider network", |s| s.interfaces[0].addresses[0].prefix == 16);
    assert_eq!(host.addresses("eth0"), ["10.77.0.50/16"]);
    let only = defaults(&host);
    assert!(
        only[0].starts_with("default via 10.77.9.2 dev eth0 proto static") && only.len() == 1,
        "{only:?}"
    );

    service.set("eth0", Ipv4Mode::Dhcp);
    service.wait("lease", |s| s.interfaces[0].dhcp_server.is_some());
    assert_eq!(host.addresses("eth0"), ["10.77.0.50/24"]);
    let only = defaults(&host);
    assert!(
        only[0].starts_with("default via 10.77.0.1 dev eth0 proto dhcp") && only.len() == 1,
        "{only:?}"
    );
    let removed = changes.seen("Deleted");
    let lost = removed.iter().filter(|line| line.contains("local 10.77.0.50"));
    assert_eq!(lost.count(), 0, "the address was gone for a moment: {removed:?}");
    assert_eq!(dnsmasq.log.seen("DHCPRELEASE"), Vec::<String>::new());
    assert_eq!(service.count_log("kernel refused"), 0);
}

#[test]
fn the_default_gateway_moves_from_one_interface_to_the_other() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    lab.cable((&host, "eth1"), (&server, "srv1"));
    let first = fixed([10, 77, 0, 9], 24, Some([10, 77, 0, 1]));
    let mut service = Service::start_with(&host, starting_with(first));
    service.set("eth1", fixed([10, 78, 0, 9], 24, None));
    service.wait_address("eth0", "10.77.0.9");
    service.wait_address("eth1", "10.78.0.9");
    let only = defaults(&host);
    assert!(
        only[0].starts_with("default via 10.77.0.1 dev eth0") && only.len() == 1,
        "{only:?}"
    );

    service.change(|settings| {
        let eth0 = fixed([10, 77, 0, 9], 24, None);
        let eth1 = fixed([10, 78, 0, 9], 24, Some([10, 78, 0, 1]));
        settings.interfaces = [("eth0".to_owned(), eth0), ("eth1".to_owned(), eth1)].into();
    });
    service.wait("gateway", |s| s.interfaces[1].gateway.is_some());
    let only = defaults(&host);
    assert!(
        only[0].starts_with("default via 10.78.0.1 dev eth1") && only.len() == 1,
        "{only:?}"
    );
    assert_eq!(
        (host.addresses("eth0"), host.addresses("eth1")),
        (vec!["10.77.0.9/24".into()], vec!["10.78.0.9/24".into()])
    );
}

#[test]
fn the_fallback_gives_way_to_a_static_address_or_becomes_it() {
    let lab = Lab::new();
    let (host, _server) = pair(&lab);
    let mut service = Service::start(&host);
    service.wait_address("eth0", "192.168.1.1");
    let mut changes = LogReader::changes(&host);

    service.set("eth0", fixed([192, 168, 1, 1], 24, Some([192, 168, 1, 254])));
    service.wait("static state", |s| {
        s.interfaces[0].addresses[0].origin == AddressOrigin::Static
    });
    assert_eq!(host.addresses("eth0"), ["192.168.1.1/24"]);
    assert!(defaults(&host)[0].starts_with("default via 192.168.1.254 dev eth0"));
    let removed = changes.seen("192.168.1.1");
    assert!(
        removed.iter().all(|line| !line.contains("Deleted")),
        "{removed:?}"
    );

    service.set("eth0", Ipv4Mode::Off);
    service.wait("nothing", |s| s.interfaces[0].gateway.is_none());
    service.set("eth0", Ipv4Mode::Dhcp);
    service.wait_address("eth0", "192.168.1.1");
    service.set("eth0", fixed([192, 168, 1, 7], 24, None));
    service.wait_address("eth0", "192.168.1.7");
    assert_eq!(host.addresses("eth0"), ["192.168.1.7/24"]);
    assert!(
        host.routes().contains("192.168.1.0/24 dev eth0"),
        "{}",
        host.routes()
    );
}

#[test]
fn a_node_that_must_not_fall_back_does_not_and_gives_it_up() {
    let lab = Lab::new();
    let (host, _server) = pair(&lab);
    let without = NetworkSettings {
        fallback: false,
        ..settings()
    };
    let mut service = Service::start_with(&host, without);
    // Said later than the fallback would have been taken.
    service.wait_log("eth0: no DHCP server answered");
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
    service.change(|settings| settings.fallback = true);
    service.wait_address("eth0", "192.168.1.1");
    service.change(|settings| settings.fallback = false);
    service.wait_log("fallback address 192.168.1.1 given up");
    service.wait("nothing", |s| s.ipv4_addresses().is_empty());
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
}

#[test]
fn set_name_servers_domain_and_host_name_win_at_once() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    let options = ["--domain=example.org", "--dhcp-option=6,10.77.0.8"];
    let mut dnsmasq = Dnsmasq::start(&server, "srv0", RANGE, &options);
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("resolv.conf");
    let with_file = NetworkSettings {
        resolv_conf: Some(path.clone()),
        ..settings()
    };
    let mut service = Service::start_with(&host, with_file);
    service.wait_address("eth0", "10.77.0.50");
    dnsmasq.log.wait("DHCPACK(srv0)");
    let text = || std::fs::read_to_string(&path).unwrap();
    assert_eq!(text(), "search example.org\nnameserver 10.77.0.8\n");

    service.change(|settings| {
        settings.dns = vec!["2001:db8::53".parse().unwrap(), "10.77.0.7".parse().unwrap()];
        settings.domain = Some("example.net".to_owned());
        settings.hostname = Some("renamed".to_owned());
    });
    let acknowledged = dnsmasq.log.wait("DHCPACK(srv0)");
    assert!(acknowledged.contains("renamed"), "{acknowledged}");
    service.wait_log("eth0: lease of 10.77.0.50 renewed");
    assert_eq!(
        text(),
        "search example.net\nnameserver 2001:db8::53\nnameserver 10.77.0.7\n"
    );
    service.change(|settings| settings.dns.clear());
    // The state that follows is written after the name servers were.
    service.set("eth0", Ipv4Mode::Off);
    service.wait("nothing", |s| s.ipv4_addresses().is_empty());
    assert_eq!(text(), "search example.net\n");
}

#[test]
fn settings_that_are_wrong_change_nothing() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    let _dnsmasq = Dnsmasq::start(&server, "srv0", RANGE, &[]);
    let mut service = Service::start(&host);
    service.wait_address("eth0", "10.77.0.50");
    service.set("eth0", fixed([10, 77, 0, 9], 24, Some([10, 78, 0, 1])));
    service.wait_log("network settings refused, the former ones stay in force: gateway of eth0: 10.78.0.1");
    assert_eq!(host.addresses("eth0"), ["10.77.0.50/24"]);
    service.set("eth0", fixed([10, 77, 0, 9], 24, Some([10, 77, 0, 1])));
    service.wait_address("eth0", "10.77.0.9");
}

#[test]
fn wrong_settings_at_the_start_end_the_service() {
    let lab = Lab::new();
    let (host, _server) = pair(&lab);
    let service = Service::start_with(&host, starting_with(fixed([127, 0, 0, 1], 8, None)));
    let ended = service.ended().unwrap_err();
    assert!(matches!(ended, sps_net::NetError::Settings(_)), "{ended}");
}
