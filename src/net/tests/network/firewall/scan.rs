//! A port scan from outside: hundreds of listeners, of which only the documented ones answer.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Protocol as SocketProtocol, Socket, Type};
use sps_net::ports::{PORTS, Protocol};
use sps_net::{Facts, Wanted};
use tokio::net::{TcpListener, TcpSocket, UdpSocket};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

use super::bench::{Bench, V4, V6, of, ordinary, rescue};
use crate::lab::Namespace;

/// Probes under way at once.
const PARALLEL: usize = 512;
/// Silence after which a port counts as dropped: a veth answers in microseconds, a loaded machine in some milliseconds.
const SILENCE: Duration = Duration::from_millis(1500);
/// Ports above the first three hundred on which something listens: services that appliances and strangers run.
const HIGH: [u16; 30] = [
    443, 445, 500, 514, 631, 694, 853, 993, 1194, 2049, 2224, 3121, 3306, 3389, 4500, 5353, 5405, 5432, 5900,
    6379, 7788, 7789, 7799, 8080, 8443, 8649, 9200, 10000, 49152, 65535,
];

type Found = BTreeSet<(Protocol, u16)>;

fn listened() -> impl Iterator<Item = u16> {
    (1..=300).chain(HIGH)
}

/// Listeners on all of those ports, TCP and UDP, both families, until dropped.
struct Listeners {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Listeners {
    fn start(namespace: &Namespace) -> Self {
        allow_many_files();
        let (stop, stopped) = oneshot::channel();
        let (ready, begun) = std::sync::mpsc::channel();
        let thread = namespace.enter(move || {
            runtime().block_on(async {
                let mut tasks = JoinSet::new();
                for port in listened() {
                    tasks.spawn(accept(tcp(port)));
                    tasks.spawn(echo(udp(port)));
                }
                ready.send(()).unwrap();
                let _dropped = stopped.await;
            });
        });
        begun.recv().unwrap();
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

/// Hundreds of sockets are more than a process may have open on an ordinary machine until it asks for more.
fn allow_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

impl Drop for Listeners {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ended = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn bound(kind: Type, protocol: SocketProtocol, port: u16) -> Socket {
    let socket = Socket::new(Domain::IPV6, kind.nonblocking(), Some(protocol)).unwrap();
    socket.set_only_v6(false).unwrap();
    socket.bind(&SocketAddr::from(([0_u16; 8], port)).into()).unwrap();
    socket
}

fn tcp(port: u16) -> TcpListener {
    let socket = bound(Type::STREAM, SocketProtocol::TCP, port);
    socket.listen(64).unwrap();
    TcpListener::from_std(socket.into()).unwrap()
}

fn udp(port: u16) -> UdpSocket {
    UdpSocket::from_std(bound(Type::DGRAM, SocketProtocol::UDP, port).into()).unwrap()
}

async fn accept(listener: TcpListener) {
    while let Ok((connection, _)) = listener.accept().await {
        drop(connection);
    }
}

async fn echo(socket: UdpSocket) {
    let mut bytes = [0; 16];
    while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
        let _sent = socket.send_to(&bytes[..length], from).await;
    }
}

/// Ports that answer `from` outside, in any way: also a refusal is an answer.
fn answering(from: &Namespace, to: IpAddr, ports: Vec<u16>) -> Found {
    let scan = from.enter(move || {
        runtime().block_on(async {
            let room = Arc::new(Semaphore::new(PARALLEL));
            let mut probes = JoinSet::new();
            for port in ports {
                for protocol in [Protocol::Tcp, Protocol::Udp] {
                    let room = room.clone();
                    probes.spawn(async move {
                        let _place = room.acquire().await.unwrap();
                        let to = SocketAddr::new(to, port);
                        let answer = async {
                            match protocol {
                                Protocol::Tcp => connect(to).await,
                                Protocol::Udp => ask(to, 0).await,
                            }
                        };
                        let answered = tokio::time::timeout(SILENCE, answer).await.is_ok();
                        answered.then_some((protocol, port))
                    });
                }
            }
            probes.join_all().await.into_iter().flatten().collect()
        })
    });
    scan.join().unwrap()
}

async fn connect(to: SocketAddr) {
    let socket = if to.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    };
    let _connected_or_refused = socket.unwrap().connect(to).await;
}

/// Sends a datagram from port `own` (0: any) and waits for an answer; an ICMP error is one.
async fn ask(to: SocketAddr, own: u16) {
    let any: SocketAddr = if to.is_ipv4() {
        ([0; 4], own).into()
    } else {
        ([0_u16; 8], own).into()
    };
    let socket = UdpSocket::bind(any).await.unwrap();
    socket.connect(to).await.unwrap();
    socket.send(b"probe").await.unwrap();
    let _answer_or_refusal = socket.recv(&mut [0; 16]).await;
}

/// The documented ports of these names.
fn documented(names: &[&str]) -> Found {
    let ports = PORTS.iter().filter(|port| names.contains(&port.name));
    ports.map(|port| (port.protocol, port.number)).collect()
}

/// Ports on which nothing listens.
const CLOSED: std::ops::Range<u16> = 301..340;

/// Both families; closed ports too.
fn scan(bench: &Bench) -> [Found; 2] {
    let ports: Vec<u16> = listened().chain(CLOSED).collect();
    [V4, V6].map(|to| answering(&bench.stranger, to, ports.clone()))
}

#[test]
fn only_documented_ports_answer_a_scan() {
    let bench = Bench::new();
    let _listeners = Listeners::start(&bench.host);
    // Without rules everything answers; refusals by ICMP come at a limited rate, so those of UDP are not counted on.
    let listening = listened().flat_map(|port| [(Protocol::Tcp, port), (Protocol::Udp, port)]);
    let expected: Found = listening
        .chain(CLOSED.map(|port| (Protocol::Tcp, port)))
        .collect();
    for found in scan(&bench) {
        let silent: Vec<_> = expected.difference(&found).collect();
        assert!(silent.is_empty(), "{silent:?}");
    }
    bench.install(&of(&ordinary())).unwrap();
    let web = documented(&["http", "https"]);
    assert_eq!(web.len(), 2);
    assert_eq!(scan(&bench), [web.clone(), web]);
}

#[test]
fn in_rescue_ssh_answers_where_the_setting_says_until_it_is_sealed() {
    let bench = Bench::new();
    let _listeners = Listeners::start(&bench.host);
    let ports = || vec![22, 23, 80, 443, 694];
    let found = |facts: &Facts| {
        bench.install(&of(facts)).unwrap();
        [V4, V6].map(|to| answering(&bench.stranger, to, ports()))
    };
    let web = documented(&["http", "https"]);
    let with_ssh = documented(&["http", "https", "ssh"]);
    assert_eq!(found(&rescue()), [with_ssh.clone(), with_ssh]);
    let sealed = Facts {
        sealed: true,
        ..rescue()
    };
    assert_eq!(found(&sealed), [web.clone(), web.clone()]);
    let elsewhere = Facts {
        rescue_ssh: Wanted::Named(vec!["eth1".into()]),
        ..rescue()
    };
    assert_eq!(found(&elsewhere), [web.clone(), web]);
    let pair = Facts {
        heartbeat: Wanted::Named(vec!["eth0".into()]),
        ..ordinary()
    };
    let beating = documented(&["http", "https", "heartbeat"]);
    assert_eq!(found(&pair), [beating.clone(), beating]);
    let indexers = Facts {
        indexers: Some(23),
        ..ordinary()
    };
    bench.install(&of(&indexers)).unwrap();
    let answering = [V4, V6].map(|to| answering(&bench.stranger, to, ports()).len());
    assert_eq!(
        answering,
        [3, 3],
        "the port that is set, and not that of the table"
    );
}

#[test]
fn the_dhcp_clients_port_hears_servers_only() {
    let bench = Bench::new();
    let _listeners = Listeners::start(&bench.host);
    bench.install(&of(&ordinary())).unwrap();
    let asked = |to: IpAddr, own: u16| {
        let work = move || {
            runtime().block_on(async {
                let answer = ask(SocketAddr::new(to, 68), own);
                tokio::time::timeout(SILENCE, answer).await.is_ok()
            })
        };
        bench.stranger.enter(work).join().unwrap()
    };
    assert!(asked(V4, 67));
    assert!(!asked(V4, 6767));
    assert!(!asked(V6, 67));
}
