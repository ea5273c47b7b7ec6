//! Serves the boot page of a simulated boot on loopback, for looking at it in a browser.
//!
//! `cargo run -p sps-web --example boot_page -- [HTTPS-PORT] [boot|upgrade|healthy|failed|rescue|web] [release] [new]`
//! The plain port is one below. Nothing of an appliance is touched.

#[path = "../tests/common/appliance.rs"]
#[allow(clippy::unwrap_used, reason = "an appliance for tests")]
mod appliance;
#[path = "../tests/common/indexers.rs"]
mod indexers;
#[path = "../tests/common/store.rs"]
#[allow(clippy::unwrap_used, reason = "an appliance for tests")]
mod store;

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sps_bootlog::{BootLog, Level};
use sps_web::{
    ApplianceInfo, BootContent, BootPageSettings, BootStatus, Bundle, Bundles, Health, Later, Limits,
    NoBundle, Phase, PhaseState, Progress, ServerNames, Service, ServiceState, TlsIdentity, serve,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

const PHASES: [(&str, &str); 7] = [
    ("start", "Kernel and early mounts"),
    ("devices", "Device discovery"),
    ("clock", "Clock and entropy"),
    ("network", "Network"),
    ("storage", "Data store"),
    ("services", "Services"),
    ("ready", "Health check"),
];

const LINES: [(&str, Level, &str); 16] = [
    (
        "start",
        Level::Info,
        "sps 0.1.0 starts as PID 1, build 7f3a9c2e, kernel 6.12.41",
    ),
    (
        "start",
        Level::Debug,
        "mounted proc on /proc, sysfs on /sys, devtmpfs on /dev",
    ),
    (
        "start",
        Level::Info,
        "watchdog i6300esb armed, 30 s, cannot be stopped",
    ),
    ("devices", Level::Info, "found nvme0n1: 480 GiB, Samsung PM9A3"),
    (
        "devices",
        Level::Info,
        "found eth0: virtio_net, 52:54:00:12:34:56",
    ),
    (
        "devices",
        Level::Warning,
        "eth1: no driver answers for 8086:15f3; the interface stays down",
    ),
    (
        "clock",
        Level::Info,
        "clock is before the build time: set to 2026-01-14 09:00:00 UTC",
    ),
    ("network", Level::Info, "eth0: link up, 1000 Mbit/s full duplex"),
    ("network", Level::Debug, "eth0: DHCPDISCOVER, attempt 1"),
    (
        "network",
        Level::Info,
        "eth0: DHCP lease of 192.168.10.37/24 from 192.168.10.1 for 86400 s",
    ),
    (
        "storage",
        Level::Info,
        "data: ext4 clean, 212 GiB of 440 GiB used",
    ),
    ("services", Level::Info, "web: listening on port 443"),
    (
        "services",
        Level::Info,
        "certificate of the boot page: SHA-256 6B:1C:90:AA:4E:52:0D:77:83:F1:25:9B:C4:3E:68:D0",
    ),
    (
        "services",
        Level::Info,
        "ntp: synchronized with 192.168.10.1, offset 3.2 ms",
    ),
    ("services", Level::Info, "console: ready on tty0 and ttyS0"),
    ("ready", Level::Info, "all services healthy"),
];

/// Refuses every password.
#[derive(Debug)]
struct Nobody;

impl Bundles for Nobody {
    fn why_not(&self) -> Option<&'static str> {
        None
    }

    fn make(&self, _password: Zeroizing<String>, _from: IpAddr) -> Later<Result<Bundle, NoBundle>> {
        Box::pin(async { Err(NoBundle::WrongPassword) })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port: u16 = arguments.first().map_or(Ok(8443), |port| port.parse())?;
    let scenario = arguments.get(1).map_or("boot", String::as_str).to_owned();
    let (sender, status) = watch::channel(BootStatus::default());
    let log = BootLog::new();
    let content = BootContent {
        log: log.clone(),
        status,
        info: info(!arguments.iter().any(|word| word == "release")),
        bundles: (scenario == "rescue").then(|| Arc::new(Nobody) as Arc<dyn Bundles>),
        administration: (scenario == "web").then(|| {
            let appliance = if arguments.iter().any(|word| word == "new") {
                appliance::Appliance::untouched()
            } else {
                appliance::Appliance::ready()
            };
            {
                let mut state = appliance
                    .state
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                state.store = store::upgraded();
                state.sessions = (0..120).map(store::record).collect();
                if arguments.iter().any(|word| word == "upgraded") {
                    state.commit_at = Some(1_800_086_400);
                    state.incomplete_until = Some(1_799_990_000_000);
                }
            }
            appliance.administration(sps_web::Gate::new(None))
        }),
        boot_id: format!("{}-{}", std::process::id(), uptime_ms()),
    };
    let names = ServerNames {
        host_name: "gate-01.example".into(),
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
    };
    let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let settings = BootPageSettings {
        http: on(port - 1),
        https: on(port),
        identity: TlsIdentity::generate(&names, SystemTime::now())?,
        limits: Limits::default(),
    };
    println!(
        "https://127.0.0.1:{port}/ certificate {}",
        settings.identity.fingerprint()
    );
    tokio::spawn(play(scenario, log, sender));
    serve(settings, content, CancellationToken::new()).await?;
    Ok(())
}

fn info(development: bool) -> ApplianceInfo {
    ApplianceInfo {
        product: "Privileged Session Gateway".into(),
        version: "0.1.0".into(),
        channel: "feature".into(),
        build_id: "7f3a9c2e51d04b6e".into(),
        development,
        host_name: "gate-01.example".into(),
    }
}

/// Plays a scenario; `boot` and `upgrade` take their time, the others are at their end at once.
async fn play(scenario: String, log: BootLog, status: watch::Sender<BootStatus>) {
    let slow = matches!(scenario.as_str(), "boot" | "upgrade");
    status.send_modify(|status| status.phases = PHASES.map(waiting).to_vec());
    for (n, (phase, _)) in PHASES.iter().enumerate() {
        enter(&log, &status, n);
        for (_, level, text) in LINES.iter().filter(|(of, ..)| of == phase) {
            log.push(*level, "sps", text);
            tokio::time::sleep(Duration::from_millis(if slow { 600 } else { 0 })).await;
        }
        match (scenario.as_str(), *phase) {
            ("failed" | "rescue", "storage") => return fail(&log, &status, n),
            ("upgrade", "storage") => reorganize(&log, &status).await,
            _ => {}
        }
        finish(&status, n);
    }
    status.send_modify(|status| {
        status.health = Health::Healthy;
        status.services = services();
    });
    if slow {
        go_on(&log).await;
    }
}

/// What a running appliance writes, so that there is something to follow.
async fn go_on(log: &BootLog) {
    for n in 1_u64.. {
        tokio::time::sleep(Duration::from_secs(3)).await;
        log.push(Level::Info, "sps", &format!("watchdog fed, supervisor loop {n}"));
    }
}

fn waiting((name, title): (&str, &str)) -> Phase {
    Phase {
        name: name.into(),
        title: title.into(),
        state: PhaseState::Waiting,
        started_ms: None,
        finished_ms: None,
    }
}

fn enter(log: &BootLog, status: &watch::Sender<BootStatus>, n: usize) {
    log.enter_phase(PHASES[n].0);
    status.send_modify(|status| {
        status.phases[n].state = PhaseState::Running;
        status.phases[n].started_ms = Some(uptime_ms());
    });
}

fn finish(status: &watch::Sender<BootStatus>, n: usize) {
    status.send_modify(|status| {
        status.phases[n].state = PhaseState::Done;
        status.phases[n].finished_ms = Some(uptime_ms());
    });
}

fn fail(log: &BootLog, status: &watch::Sender<BootStatus>, n: usize) {
    log.push(
        Level::Error,
        "sps",
        "data: superblock of /dev/nvme0n1p6 does not match, refusing to mount",
    );
    status.send_modify(|status| {
        status.phases[n].state = PhaseState::Failed;
        status.phases[n].finished_ms = Some(uptime_ms());
        status.health = Health::Failed;
        status.problems = vec![
            "The data store cannot be mounted: its superblock is damaged. Choose “Check data store” at the console."
                .into(),
            "eth1 has no driver. Replace the card by a supported one or ignore this.".into(),
        ];
        status.services = services();
        status.services[3] = service("proxy", ServiceState::Failed, "needs the data store");
    });
}

async fn reorganize(log: &BootLog, status: &watch::Sender<BootStatus>) {
    log.push(
        Level::Info,
        "sps",
        "reorganizing the data store: layout 3 to 4, 214,000 files",
    );
    let total = 212_u64 << 30;
    for step in 0..200_u64 {
        let done = total / 200 * step;
        let progress = Progress {
            what: "Reorganizing the data store".into(),
            done,
            total,
            unit: "bytes".into(),
            rate: Some(5.3 * f64::from(1 << 30)),
            seconds_left: Some((200 - step) / 5),
        };
        status.send_modify(|status| status.progress = Some(progress));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    status.send_modify(|status| status.progress = None);
}

fn services() -> Vec<Service> {
    vec![
        service("console", ServiceState::Healthy, "tty0, ttyS0"),
        service("network", ServiceState::Healthy, "eth0 192.168.10.37/24"),
        service("ntp", ServiceState::Healthy, "offset 3.2 ms"),
        service("web", ServiceState::Healthy, "port 443"),
    ]
}

fn service(name: &str, state: ServiceState, detail: &str) -> Service {
    Service {
        name: name.into(),
        state,
        detail: detail.into(),
    }
}

fn uptime_ms() -> u64 {
    sps_bootlog::uptime().as_millis() as u64
}
