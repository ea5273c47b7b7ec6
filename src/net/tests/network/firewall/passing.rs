//! What goes on while rules are replaced, and what must always pass.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use sps_net::Facts;

use super::bench::{Bench, V4, V6, of, ordinary, rescue};
use super::scan::runtime;
use crate::lab::{Dnsmasq, Namespace, Service};

/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Silence that shows that nothing comes.
const SILENCE: Duration = Duration::from_millis(1500);
/// Replacements while traffic flows.
const REPLACEMENTS: usize = 60;

fn connects(from: &Namespace, to: SocketAddr) -> bool {
    from.enter(move || TcpStream::connect_timeout(&to, SILENCE).is_ok())
        .join()
        .unwrap()
}

/// Echoes what one connection sends.
fn serve_one(namespace: &Namespace, port: u16) -> std::thread::JoinHandle<()> {
    let listener = namespace
        .enter(move || TcpListener::bind(("::", port)).unwrap())
        .join()
        .unwrap();
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut bytes = [0; 1024];
        while let Ok(length @ 1..) = connection.read(&mut bytes) {
            connection.write_all(&bytes[..length]).unwrap();
        }
    })
}

fn echoed(connection: &mut TcpStream) {
    let mut answer = [0; 5];
    connection.write_all(b"hello").unwrap();
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"hello");
}

#[test]
fn connections_that_stand_survive_and_new_ones_meet_the_new_rules() {
    let bench = Bench::new();
    for address in [V4, V6] {
        bench.install(&of(&rescue())).unwrap();
        let server = serve_one(&bench.host, 22);
        let to = SocketAddr::new(address, 22);
        let connect = move || TcpStream::connect_timeout(&to, PATIENCE).unwrap();
        let mut connection = bench.stranger.enter(connect).join().unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        echoed(&mut connection);
        let sealed = Facts {
            sealed: true,
            ..rescue()
        };
        bench.install(&of(&sealed)).unwrap();
        assert!(!connects(&bench.stranger, to));
        for _ in 0..20 {
            bench.install(&of(&sealed)).unwrap();
            echoed(&mut connection);
        }
        drop(connection);
        server.join().unwrap();
    }
}

#[test]
fn while_rules_are_replaced_nothing_slips_through() {
    let bench = Bench::new();
    bench.install(&of(&ordinary())).unwrap();
    let closed = bench
        .host
        .enter(|| UdpSocket::bind(("::", 5000)).unwrap())
        .join()
        .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let flood = |to: IpAddr| {
        let stop = stop.clone();
        bench.stranger.enter(move || {
            let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(any).unwrap();
            let mut sent = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                sent += u64::from(socket.send_to(b"x", (to, 5000)).is_ok());
            }
            sent
        })
    };
    let floods = [flood(V4), flood(V6)];
    let began = Instant::now();
    for number in 0..REPLACEMENTS {
        let facts = if number % 2 == 0 { rescue() } else { ordinary() };
        bench.install(&of(&facts)).unwrap();
    }
    let each = began.elapsed() / u32::try_from(REPLACEMENTS).unwrap();
    stop.store(true, Ordering::Relaxed);
    let sent: u64 = floods.map(|flood| flood.join().unwrap()).iter().sum();
    println!("{REPLACEMENTS} replacements, {each:?} each, {sent} datagrams meanwhile");
    assert!(sent > 1000, "{sent}");
    closed.set_nonblocking(true).unwrap();
    assert!(closed.recv(&mut [0]).is_err(), "a datagram came through");
    // The same socket hears when it may: what was shown is the rules' doing.
    bench
        .host
        .command("nft")
        .args(["flush", "ruleset"])
        .status()
        .unwrap();
    let again = || {
        UdpSocket::bind("0.0.0.0:0")
            .unwrap()
            .send_to(b"x", (V4, 5000))
            .unwrap()
    };
    bench.stranger.enter(again).join().unwrap();
    closed.set_nonblocking(false).unwrap();
    closed.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(closed.recv(&mut [0]).is_ok());
}

/// Whether an echo request is answered (RFC 792, RFC 4443).
fn pings(from: &Namespace, to: IpAddr) -> bool {
    let ping = move || {
        let (domain, protocol, request, reply, header) = match to {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4, [8, 0, 0xf7, 0xff], 0, 20),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6, [128, 0, 0, 0], 129, 0),
        };
        let socket = Socket::new(domain, Type::RAW, Some(protocol)).unwrap();
        socket.set_read_timeout(Some(SILENCE)).unwrap();
        let message = [request, [0; 4]].concat();
        socket
            .send_to(&message, &SockAddr::from(SocketAddr::new(to, 0)))
            .unwrap();
        let until = Instant::now() + SILENCE;
        let mut bytes = [0; 128];
        while Instant::now() < until {
            let Ok(length) = (&socket).read(&mut bytes) else {
                return false;
            };
            if length > header && bytes[header] == reply {
                return true;
            }
        }
        false
    };
    from.enter(ping).join().unwrap()
}

#[test]
fn ping_and_neighbour_discovery_work() {
    let bench = Bench::new();
    bench.install(&of(&ordinary())).unwrap();
    // Both ends have to find each other anew: the appliance's solicitation and the stranger's.
    for namespace in [&bench.host, &bench.stranger] {
        namespace.ip("neigh flush all");
    }
    assert!(pings(&bench.stranger, V4));
    assert!(pings(&bench.stranger, V6));
    assert!(
        pings(&bench.host, "fd79::2".parse().unwrap()),
        "what the appliance asks is answered"
    );

    // Without the rules about neighbours IPv6 is dead: it is they that let it live.
    let mut deaf = of(&ordinary());
    deaf.chains[0]
        .rules
        .retain(|rule| !rule.name.starts_with("neighbour"));
    bench.install(&deaf).unwrap();
    for namespace in [&bench.host, &bench.stranger] {
        namespace.ip("neigh flush all");
    }
    assert!(pings(&bench.stranger, V4));
    assert!(!pings(&bench.stranger, V6));
}

#[test]
fn loopback_is_free_and_nothing_is_forwarded() {
    let bench = Bench::new();
    let behind = bench.lab.namespace("behind");
    bench.lab.cable((&bench.host, "eth1"), (&behind, "in0"));
    bench.host.ip("link set eth1 up");
    bench.host.ip("addr add 10.80.0.1/24 dev eth1");
    behind.ip("addr add 10.80.0.2/24 dev in0");
    behind.ip("route add default via 10.80.0.1");
    bench.stranger.ip("route add 10.80.0.0/24 via 10.79.0.1");
    let forward = || std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
    bench.host.enter(forward).join().unwrap();
    let server = serve_one(&behind, 80);
    let there: SocketAddr = "10.80.0.2:80".parse().unwrap();

    bench.install(&of(&ordinary())).unwrap();
    assert!(!connects(&bench.stranger, there));
    bench
        .host
        .command("nft")
        .args(["flush", "ruleset"])
        .status()
        .unwrap();
    assert!(connects(&bench.stranger, there), "it is the rules that stop it");
    server.join().unwrap();

    bench.install(&of(&ordinary())).unwrap();
    let own = serve_one(&bench.host, 5001);
    assert!(connects(&bench.host, "127.0.0.1:5001".parse().unwrap()));
    own.join().unwrap();
}

#[test]
fn with_the_rules_in_force_addresses_still_come_from_servers() {
    let lab = crate::lab::Lab::new();
    let (host, server) = (lab.namespace("host"), lab.namespace("server"));
    lab.cable((&host, "eth0"), (&server, "srv0"));
    server.ip("addr add 10.77.0.1/24 dev srv0");
    let _dnsmasq = Dnsmasq::start(&server, "srv0", "10.77.0.50,10.77.0.50,255.255.255.0,2m", &[]);
    super::bench::install_in(&host, &of(&ordinary())).unwrap();
    let mut service = Service::start(&host);
    service.wait_address("eth0", "10.77.0.50");
    // What it asks is answered.
    let asked = host.enter(|| {
        runtime().block_on(async {
            let connect = tokio::net::TcpStream::connect("10.77.0.1:1");
            tokio::time::timeout(PATIENCE, connect).await.unwrap().is_err()
        })
    });
    assert!(asked.join().unwrap(), "the server's refusal arrives");
}
