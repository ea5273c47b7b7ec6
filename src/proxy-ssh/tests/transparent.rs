//! Transparent mode on a network of its own: a client, a router that follows the documented recipe, the appliance with its real packet filter,
//! and a server. Needs root, `iptables`, `iproute2` and `nftables`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod common;

use std::sync::Arc;

use common::{Appliance, Machine, Said, Settings, Sshd, USER, USER_PASSWORD, askpass, options};
use sps_cluster_config::sections::connections::{Destination, Source};
use sps_net::{Diverted, Facts, diversion, firewall, ports, rules};
use sps_proxy_engine::{Router, Routing, diverted, recipe, shows_clients};
use sps_proxy_ssh::{Limits, SshProxy};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

const CLIENT: [&str; 2] = ["10.30.1.2", "fd30:1::2"];
const SERVER: [&str; 2] = ["10.30.2.2", "fd30:2::2"];
/// Another machine in the servers' network that no policy names.
const OTHER: &str = "10.30.2.3";
const APPLIANCE: [&str; 2] = ["10.30.3.10", "fd30:3::10"];
/// Another address of the appliance.
const SECOND: &str = "10.30.3.11";
const NETWORKS: [&str; 2] = ["10.30.2.0/24", "fd30:2::/64"];

/// What the appliance is told.
enum Order {
    /// Follow the configuration as it is now.
    Follow,
    /// Stop, in order.
    Stop,
}

/// All of it.
struct World {
    client: Machine,
    router: Machine,
    machine: Machine,
    _server: Machine,
    _sshd: Sshd,
    appliance: Arc<Appliance>,
    orders: mpsc::UnboundedSender<(Order, oneshot::Sender<()>)>,
    thread: Option<std::thread::JoinHandle<()>>,
    folder: TempDir,
}

impl World {
    /// A policy of transparent mode, which `change` makes a different one.
    async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let [client, router, machine, server] = ["client", "router", "appliance", "server"].map(Machine::new);
        client.cable(
            ("c0", ["10.30.1.2/24", "fd30:1::2/64"]),
            &router,
            ("eth0", ["10.30.1.1/24", "fd30:1::1/64"]),
        );
        server.cable(
            ("s0", ["10.30.2.2/24", "fd30:2::2/64"]),
            &router,
            ("eth1", ["10.30.2.1/24", "fd30:2::1/64"]),
        );
        machine.cable(
            ("a0", ["10.30.3.10/24", "fd30:3::10/64"]),
            &router,
            ("eth2", ["10.30.3.1/24", "fd30:3::1/64"]),
        );
        server.ip(&format!("addr add {OTHER}/24 dev s0"));
        machine.ip(&format!("addr add {SECOND}/24 dev a0"));
        for (one, number) in [(&client, 1), (&server, 2), (&machine, 3)] {
            one.ip(&format!("route add default via 10.30.{number}.1"));
            one.ip(&format!("-6 route add default via fd30:{number}::1"));
        }
        // As strict as a router can be: the recipe says what must be let go.
        router.sh(
            "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; \
             for it in all eth0 eth1 eth2; do echo 1 > /proc/sys/net/ipv4/conf/$it/rp_filter; done",
        );
        let sshd = Sshd::start_in(&server.name, "").unwrap();
        let mut settings = Settings::to(22);
        settings.own = [APPLIANCE[0], APPLIANCE[1], SECOND]
            .map(|it| it.parse().unwrap())
            .into();
        let connection = settings.connection();
        connection.from = vec!["10.30.1.0/24".parse().unwrap(), "fd30:1::/64".parse().unwrap()];
        connection.to = SERVER
            .map(|address| address.parse::<std::net::IpAddr>().unwrap().into())
            .into();
        connection.destination = Destination::Original {};
        connection.port = 22;
        change(&mut settings);
        let appliance = Arc::new(Appliance::new(settings));
        appliance.follow();
        let (orders, taken) = mpsc::unbounded_channel();
        let own = appliance.clone();
        let thread = machine.enter(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(own, taken));
        });
        let world = Self {
            client,
            router,
            machine,
            _server: server,
            _sshd: sshd,
            appliance,
            orders,
            thread: Some(thread),
            folder: tempfile::tempdir().unwrap(),
        };
        world.order(Order::Follow).await;
        world
    }

    async fn order(&self, order: Order) {
        let (done, wait) = oneshot::channel();
        self.orders.send((order, done)).ok().unwrap();
        wait.await.unwrap();
    }

    /// Runs the recipe, word by word, for one family.
    fn route(&self, family: usize, original_source: bool) {
        let routing = Routing {
            appliance: APPLIANCE[family].parse().unwrap(),
            interface: "eth2".into(),
            clients: "eth0".into(),
            servers: "eth1".into(),
            networks: vec![NETWORKS[family].parse().unwrap()],
            ports: vec![22],
            original_source,
        };
        let text = recipe(Router::Linux, &routing).unwrap();
        let (script, tables) = (
            self.folder.path().join("recipe"),
            self.folder.path().join("tables"),
        );
        std::fs::write(&script, text).unwrap();
        if !tables.exists() {
            std::fs::copy("/etc/iproute2/rt_tables", &tables).unwrap();
        }
        // The router's own file, not that of this machine.
        self.router.sh(&format!(
            "mount --bind {} /etc/iproute2/rt_tables && sh {}",
            tables.display(),
            script.display()
        ));
    }

    /// Runs a command on a server, as somebody at the client does.
    async fn ssh(&self, server: &str, command: &str) -> Said {
        let mut ssh = tokio::process::Command::new("ip");
        ssh.args(["netns", "exec", &self.client.name, "ssh"])
            .env("SSH_ASKPASS", askpass(self.folder.path(), USER_PASSWORD))
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("DISPLAY", "none")
            .args(options(self.folder.path(), 22, USER))
            .args(["-oConnectTimeout=3", server, command])
            .stdin(std::process::Stdio::null());
        Said::from(ssh.output().await.unwrap())
    }

    /// What the server says of the connection: client, its port, server, its port.
    async fn seen(&self, server: &str) -> Vec<String> {
        let said = self.ssh(server, "echo $SSH_CONNECTION").await;
        assert_eq!(said.status, Some(0), "{said:?}");
        said.out.split_whitespace().map(ToOwned::to_owned).collect()
    }

    /// What transparent mode leaves in the appliance's network.
    fn traces(&self) -> [String; 2] {
        let rules = self.machine.sh("nft list chain inet sps prerouting");
        let routes = self
            .machine
            .sh("ip rule list; ip -6 rule list; ip route list table all; ip -6 route list table all");
        let of = |text: &str, words: [&str; 2]| {
            let lines = text
                .lines()
                .filter(|line| words.iter().any(|word| line.contains(word)));
            lines.map(str::trim).collect::<Vec<_>>().join("\n")
        };
        [
            of(&rules, ["tproxy", "socket"]),
            of(&routes, ["fwmark", "table 100"]),
        ]
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let (done, _wait) = oneshot::channel();
        // It may have been stopped before.
        let _stopped = self.orders.send((Order::Stop, done));
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// The appliance: listens, and keeps packet filter and routes as its policies want them.
async fn run(appliance: Arc<Appliance>, mut orders: mpsc::UnboundedReceiver<(Order, oneshot::Sender<()>)>) {
    let proxy = SshProxy::new(appliance.clone(), Limits::default(), Arc::default());
    let listening = ["0.0.0.0:22", "[::]:22"].map(|address| proxy.listen(address.parse().unwrap()).unwrap());
    while let Some((order, done)) = orders.recv().await {
        let connections = match order {
            Order::Follow => appliance.connections(),
            Order::Stop => Vec::new(),
        };
        let networks = diverted(&connections).into_iter();
        let facts = Facts {
            sessions: vec![22],
            diverted: networks.map(|(to, port)| Diverted { to, port }).collect(),
            foreign_source: shows_clients(&connections),
            ..Facts::default()
        };
        firewall::install(&rules(ports::PORTS, &facts)).unwrap();
        diversion::set(facts.has_foreign()).await.unwrap();
        let stopped = matches!(order, Order::Stop);
        let _waiting = done.send(());
        if stopped {
            break;
        }
    }
    drop(listening);
    proxy.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_sees_the_client_and_the_session_is_recorded() {
    let world = World::start(|settings| settings.connection().source = Source::Client {}).await;
    for family in [0, 1] {
        world.route(family, true);
        let seen = world.seen(SERVER[family]).await;
        assert_eq!(
            (seen[0].as_str(), &seen[2..]),
            (CLIENT[family], &[SERVER[family].to_owned(), "22".to_owned()][..]),
            "{seen:?}"
        );
        let kept = world.appliance.ended(family).await;
        let server = format!("[{}]:22", SERVER[family]);
        let server = if family == 0 {
            server.replace(['[', ']'], "")
        } else {
            server
        };
        assert_eq!(kept.facts.target.as_deref(), Some(server.as_str()));
        assert_eq!(
            kept.facts.server.map(|it| it.to_string()).as_deref(),
            Some(server.as_str())
        );
        assert_eq!(kept.verdict, Some("accept"));
        assert!(!kept.output().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_sees_the_appliance_or_one_of_its_addresses() {
    let world = World::start(|_| {}).await;
    for family in [0, 1] {
        world.route(family, false);
        assert_eq!(world.seen(SERVER[family]).await[0], APPLIANCE[family]);
    }
    let fixed = |address: &str| Source::Fixed {
        address: address.parse().unwrap(),
    };
    world
        .appliance
        .change(|settings| settings.connection().source = fixed(SECOND));
    world.order(Order::Follow).await;
    assert_eq!(world.seen(SERVER[0]).await[0], SECOND);
    let said = world.ssh(SERVER[1], "true").await;
    assert!(said.err.contains("of the other address family"), "{said:?}");
    world
        .appliance
        .change(|settings| settings.connection().source = fixed("10.30.3.99"));
    let said = world.ssh(SERVER[0], "true").await;
    assert!(said.err.contains("no address of the appliance now"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_policy_names_does_not_pass_and_the_appliance_is_no_target() {
    let world = World::start(|settings| {
        let mut all = settings.connection().clone();
        all.name = "everything".into();
        all.to = vec![format!("{}/32", APPLIANCE[0]).parse().unwrap()];
        settings.ssh.connections.push(all);
    })
    .await;
    world.route(0, false);
    let said = world.ssh(OTHER, "true").await;
    assert_eq!(said.status, Some(255), "{said:?}");
    assert!(said.err.contains("timed out"), "{said:?}");
    assert_eq!(world.appliance.sessions(), 0);
    // Whoever names the appliance itself is refused, however the connection came.
    let said = world.ssh(APPLIANCE[0], "true").await;
    assert!(said.err.contains("is the appliance itself"), "{said:?}");
    assert_eq!(world.seen(SERVER[0]).await[0], APPLIANCE[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_policy_takes_the_rules_away_and_so_does_the_end() {
    let world = World::start(|settings| settings.connection().source = Source::Client {}).await;
    world.route(0, true);
    let [rules, routes] = world.traces();
    assert_eq!(rules.lines().count(), 3, "{rules}");
    assert!(rules.contains(SERVER[0]) && rules.contains(SERVER[1]), "{rules}");
    for words in ["fwmark 0x1 lookup 100", "local default dev lo table 100"] {
        assert!(routes.matches(words).count() >= 2, "{routes}");
    }
    assert_eq!(world.seen(SERVER[0]).await[0], CLIENT[0]);

    world
        .appliance
        .change(|settings| settings.connection().enabled = false);
    world.order(Order::Follow).await;
    assert_eq!(world.traces(), ["", ""]);
    let said = world.ssh(SERVER[0], "true").await;
    assert!(said.err.contains("timed out"), "{said:?}");

    world
        .appliance
        .change(|settings| settings.connection().enabled = true);
    world.order(Order::Follow).await;
    assert_eq!(world.seen(SERVER[0]).await[0], CLIENT[0]);
    world.order(Order::Stop).await;
    assert_eq!(world.traces(), ["", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_go_astray_are_told_with_what_to_look_at() {
    let world = World::start(|settings| settings.connection().source = Source::Client {}).await;
    // The router was not told of the servers' answers, and lets none through to clients.
    world.route(0, false);
    world.router.sh("iptables -A FORWARD -i eth1 -o eth0 -j DROP");
    let said = world.ssh(SERVER[0], "true").await;
    assert!(said.err.contains("did not answer within 15 seconds"), "{said:?}");
    assert!(
        said.err.contains("an administrator must look at the routers"),
        "{said:?}"
    );
}
