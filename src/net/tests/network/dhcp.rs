//! Leases from real servers: dnsmasq and ISC dhcpd.

use crate::lab::{Dnsmasq, IscDhcpd, Lab, LogReader, Namespace, Service};
use sps_net::AddressOrigin;

const RANGE: &str = "10.77.0.50,10.77.0.60,255.255.255.0,2m";

/// The appliance's namespace with `eth0`, cabled to a server's `srv0` at 10.77.0.1.
fn pair(lab: &Lab) -> (Namespace, Namespace) {
    let (host, server) = (lab.namespace("host"), lab.namespace("server"));
    lab.cable((&host, "eth0"), (&server, "srv0"));
    server.ip("addr add 10.77.0.1/24 dev srv0");
    (host, server)
}

#[test]
fn a_lease_brings_address_routes_name_and_time_servers_and_goes_with_the_service() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    let options = [
        "--dhcp-option=option:ntp-server,10.77.0.7",
        "--domain=example.org",
        "--dhcp-option=6,10.77.0.8",
    ];
    let mut dnsmasq = Dnsmasq::start(
        &server,
        "srv0",
        "10.77.0.50,10.77.0.50,255.255.255.0,2m",
        &options,
    );
    let files = tempfile::tempdir().unwrap();
    let resolv_conf = files.path().join("resolv.conf");
    let settings = sps_net::NetworkSettings {
        resolv_conf: Some(resolv_conf.clone()),
        ..crate::lab::service::settings()
    };
    let mut service = Service::start_with(&host, settings);

    let state = service.wait_address("eth0", "10.77.0.50");
    let eth0 = &state.interfaces[0];
    assert_eq!(
        (eth0.addresses[0].prefix, eth0.addresses[0].origin),
        (24, AddressOrigin::Dhcp)
    );
    assert_eq!(eth0.gateway, Some([10, 77, 0, 1].into()));
    assert_eq!(state.ntp_servers(), [std::net::Ipv4Addr::new(10, 77, 0, 7)]);
    assert_eq!(host.addresses("eth0"), ["10.77.0.50/24"]);
    assert!(
        host.routes()
            .contains("default via 10.77.0.1 dev eth0 proto dhcp src 10.77.0.50"),
        "{}",
        host.routes()
    );
    assert_eq!(
        std::fs::read_to_string(&resolv_conf).unwrap(),
        "search example.org\nnameserver 10.77.0.8\n"
    );
    service.wait_log("eth0: address 10.77.0.50/24 from DHCP server 10.77.0.1");
    let acknowledged = dnsmasq.log.wait("DHCPACK(srv0)");
    assert!(
        acknowledged.contains("appliance"),
        "host name not sent: {acknowledged}"
    );

    service.stop().unwrap();
    dnsmasq.log.wait("DHCPRELEASE(srv0) 10.77.0.50");
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
}

/// ISC dhcpd's configuration with leases of so many seconds.
fn isc(seconds: u32, authority: &str) -> String {
    format!(
        "{authority};\ndefault-lease-time {seconds}; max-lease-time {seconds}; min-lease-time {seconds};\n\
         option rfc3442 code 121 = array of unsigned integer 8;\n\
         subnet 10.77.0.0 netmask 255.255.255.0 {{ range 10.77.0.50 10.77.0.60; option routers 10.77.0.1;\n\
         option rfc3442 16, 172,20, 10,77,0,9, 0, 10,77,0,1; }}\n"
    )
}

#[test]
fn a_short_lease_is_renewed_again_and_again_and_classless_routes_are_taken() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    let mut dhcpd = IscDhcpd::start(&server, "srv0", &isc(4, "authoritative"));
    let mut service = Service::start(&host);
    service.wait("lease", |state| {
        state.interfaces.iter().any(|i| i.dhcp_server.is_some())
    });
    let address = host.addresses("eth0");
    assert!(
        host.routes().contains("172.20.0.0/16 via 10.77.0.9"),
        "{}",
        host.routes()
    );
    // Renewals are unicast: dhcpd then logs a request without a server in brackets.
    for _ in 0..3 {
        dhcpd.log.wait("DHCPREQUEST for 10.77.0.");
        dhcpd.log.wait("DHCPACK on 10.77.0.");
    }
    service.wait_log("renewed");
    assert_eq!(host.addresses("eth0"), address);
}

#[test]
fn a_lease_nobody_renews_expires() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    let dhcpd = IscDhcpd::start(&server, "srv0", &isc(4, "authoritative"));
    let patient = sps_net::NetworkSettings {
        fallback_after: std::time::Duration::from_secs(3600),
        ..crate::lab::service::settings()
    };
    let mut service = Service::start_with(&host, patient);
    service.wait("lease", |state| {
        state.interfaces.iter().any(|i| i.dhcp_server.is_some())
    });
    drop(dhcpd);
    service.wait("expiry", |state| state.interfaces[0].dhcp_server.is_none());
    service.wait_log("expired, no DHCP server renewed it; address given up");
    assert_eq!(host.addresses("eth0"), Vec::<String>::new());
}

#[test]
fn a_refused_renewal_takes_the_address_off_and_asks_anew() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    let first = IscDhcpd::start(&server, "srv0", &isc(6, "authoritative"));
    let mut service = Service::start(&host);
    service.wait("lease", |state| {
        state.interfaces.iter().any(|i| i.dhcp_server.is_some())
    });
    drop(first);
    // Another server with another range knows nothing of the held address.
    let range = "10.77.0.90,10.77.0.90,255.255.255.0,2m";
    let mut second = Dnsmasq::start(&server, "srv0", range, &["--dhcp-authoritative"]);
    second.log.wait("DHCPNAK(srv0) 10.77.0.5");
    service.wait_log("was refused; asking anew");
    service.wait_address("eth0", "10.77.0.90");
    assert_eq!(host.addresses("eth0"), ["10.77.0.90/24"]);
}

#[test]
fn a_leased_address_that_another_host_uses_is_declined() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    // A third host on the same cable has an address out of the server's range.
    let squatter = lab.namespace("squatter");
    server.share("srv0", &squatter, "squat0");
    squatter.ip("addr add 10.77.0.50/24 dev squat0");
    let owner = squatter.mac("squat0");
    host.ip("link set eth0 address 02:00:00:00:00:09");
    let fixed = ["--dhcp-host=02:00:00:00:00:09,10.77.0.50"];
    let mut dnsmasq = Dnsmasq::start(&server, "srv0", RANGE, &fixed);
    let mut service = Service::start(&host);
    let line = service.wait_log("leased address 10.77.0.50 is in use by");
    assert!(line.contains(&owner), "{line} does not name {owner}");
    dnsmasq.log.wait("DHCPDECLINE(srv0) 10.77.0.50");
    // dnsmasq keeps a declined fixed address back for a while and gives another.
    let state = service.wait("another lease", |state| {
        state.interfaces.iter().any(|i| i.dhcp_server.is_some())
    });
    assert_ne!(state.ipv4_addresses(), [std::net::Ipv4Addr::new(10, 77, 0, 50)]);
}

#[test]
fn a_host_that_takes_the_leased_address_later_is_told_off_and_then_yielded_to() {
    let lab = Lab::new();
    let (host, server) = pair(&lab);
    let mut dnsmasq = Dnsmasq::start(&server, "srv0", "10.77.0.50,10.77.0.51,255.255.255.0,2m", &[]);
    let mut service = Service::start(&host);
    let state = service.wait("lease", |state| {
        state.interfaces.iter().any(|i| i.dhcp_server.is_some())
    });
    let address = state.ipv4_addresses()[0];
    let mut capture = LogReader::capture(&server, "srv0", "arp");
    capture.wait(&format!("Request who-has {address} tell {address}"));
    server.announce("srv0", address);
    service.wait_log("address defended");
    server.announce("srv0", address);
    service.wait_log(&format!("leased address {address} is in use by"));
    dnsmasq.log.wait("DHCPDECLINE(srv0)");
}
