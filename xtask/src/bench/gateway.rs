//! The SSH proxy: what a GiB costs, what a key stroke waits, memory of sessions that wait, logins.
//!
//! The program is `tests/gateway/examples/bench_gateway`: real OpenSSH on both sides, the appliance's own gateway between them in a process of
//! its own. The peer is `sshd` chained to `ssh`, the usual hop of a bastion host.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Figure;
use crate::cache::Lock;
use crate::project::Project;
use crate::setup;

/// Seconds of processors for a GiB.
const UNRECORDED_LIMIT: f64 = 1.0;
const RECORDED_LIMIT: f64 = 1.3;
/// The peer costs so many times as much.
const CHAINED_LEAST: f64 = 1.5;
/// Microseconds that typing waits longer.
const ADDED_TYPICAL: f64 = 60.0;
const ADDED_WORST: f64 = 1000.0;
/// A command with a policy that looks at it takes so many times as long as one that nobody looks at.
const WATCHED_LIMIT: f64 = 1.3;
/// MiB of 2,000 sessions that wait.
const IDLE_LIMIT: f64 = 400.0;

/// Seconds of processors, MiB a second: to the server, and from it.
#[derive(Clone, Copy, Deserialize)]
struct Cost {
    seconds: f64,
    rate: f64,
}

#[derive(Deserialize)]
struct Bulk {
    direct: [Cost; 2],
    unrecorded: [Cost; 2],
    recorded: [Cost; 2],
    chained: [Cost; 2],
}

#[derive(Clone, Copy, Deserialize)]
struct Latency {
    p50: f64,
    p99: f64,
}

#[derive(Deserialize)]
struct Echo {
    direct: Latency,
    unrecorded: Latency,
    recorded: Latency,
    chained: Latency,
}

#[derive(Deserialize)]
struct Commands {
    direct: Latency,
    recorded: Latency,
    policy: Latency,
}

#[derive(Deserialize)]
struct Idle {
    empty: u64,
    full: u64,
}

#[derive(Deserialize)]
struct Rate {
    tried: u64,
    failed: u64,
    p50: f64,
    p99: f64,
}

#[derive(Deserialize)]
struct Logins {
    direct: f64,
    through: f64,
}

/// Everything about the proxy.
pub(super) fn measure(project: &Project) -> Result<Vec<Figure>> {
    let program = build(project)?;
    let lock = Lock::take(&project.cache().join("bench"))?;
    let scratch = lock.scratch("gateway")?;
    let folder = scratch.path();
    let mut figures = echo(&run(project, &program, "echo", folder)?);
    figures.extend(commands(&run(project, &program, "commands", folder)?));
    figures.extend(bulk(&run(project, &program, "bulk", folder)?));
    figures.extend(crowd(
        &run(project, &program, "idle", folder)?,
        &run(project, &program, "rate", folder)?,
        &run(project, &program, "logins", folder)?,
    ));
    Ok(figures)
}

fn run<T: DeserializeOwned>(project: &Project, program: &Path, what: &str, folder: &Path) -> Result<T> {
    let folder = folder.join(what);
    std::fs::create_dir(&folder)?;
    let output = Command::new(program)
        .env("PATH", setup::path(project))
        .arg(what)
        .arg(&folder)
        .stderr(Stdio::inherit())
        .output()
        .context("start bench_gateway")?;
    ensure!(output.status.success(), "bench_gateway could not measure {what}");
    serde_json::from_slice(&output.stdout).context("read what bench_gateway measured")
}

fn build(project: &Project) -> Result<PathBuf> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--locked", "--profile", "measure"])
        .args(["--package", "sps-gateway-tests", "--example", "bench_gateway"])
        .current_dir(project.root())
        .status()
        .context("start cargo")?;
    ensure!(status.success(), "the example bench_gateway does not compile");
    Ok(project.root().join("target/measure/examples/bench_gateway"))
}

fn bulk(measured: &Bulk) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (way, name) in ["to the server", "from the server"].into_iter().enumerate() {
        let cost = |of: &[Cost; 2]| of[way].seconds;
        let chained = cost(&measured.chained);
        let figure = |what: &str, value: f64| {
            Figure::new(format!("processors for a GiB {name}, {what}"), value, "s").against(chained)
        };
        figures.push(figure("unrecorded", cost(&measured.unrecorded)).at_most(UNRECORDED_LIMIT));
        figures.push(figure("recorded and encrypted", cost(&measured.recorded)).at_most(RECORDED_LIMIT));
        let least = Figure::new(
            format!("unrecorded against sshd and ssh, {name}"),
            cost(&measured.unrecorded),
            "s",
        );
        figures.push(least.against(chained).ratio_at_most(1.0 / CHAINED_LEAST));
        for (what, of) in [
            ("direct", &measured.direct),
            ("unrecorded", &measured.unrecorded),
            ("recorded", &measured.recorded),
            ("chained", &measured.chained),
        ] {
            figures.push(Figure::new(
                format!("a GiB {name}, {what}"),
                1024.0 / of[way].rate,
                "s",
            ));
        }
    }
    figures
}

fn echo(measured: &Echo) -> Vec<Figure> {
    let added = |of: Latency| (of.p50 - measured.direct.p50, of.p99 - measured.direct.p99);
    let (peer, worst_peer) = added(measured.chained);
    let mut figures = vec![Figure::new(
        "a key and its echo, direct",
        measured.direct.p50,
        "us",
    )];
    for (name, of) in [
        ("unrecorded", measured.unrecorded),
        ("recorded", measured.recorded),
    ] {
        let (typical, worst) = added(of);
        let figure = Figure::new(format!("added to a key and its echo, {name}"), typical, "us");
        figures.push(figure.against(peer).at_most(ADDED_TYPICAL));
        let figure = Figure::new(format!("the same, one in a hundred, {name}"), worst, "us");
        figures.push(figure.against(worst_peer).at_most(ADDED_WORST));
    }
    figures
}

fn commands(measured: &Commands) -> Vec<Figure> {
    let Commands {
        direct,
        recorded,
        policy,
    } = measured;
    vec![
        Figure::new("Enter to the next prompt, direct", direct.p50, "us"),
        Figure::new("the same, recorded", recorded.p50, "us").against(direct.p50),
        Figure::new("the same, with a command policy", policy.p50, "us")
            .against(recorded.p50)
            .ratio_at_most(WATCHED_LIMIT),
        Figure::new("one in a hundred, with a command policy", policy.p99, "us")
            .against(recorded.p99)
            .ratio_at_most(WATCHED_LIMIT),
    ]
}

fn crowd(idle: &Idle, rate: &Rate, logins: &Logins) -> Vec<Figure> {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    vec![
        Figure::new("a gateway nobody uses", mib(idle.empty), "MiB"),
        Figure::new("2,000 recorded sessions that wait", mib(idle.full), "MiB").at_most(IDLE_LIMIT),
        Figure::new(
            format!("logins that failed of {}, 100 a second", rate.tried),
            rate.failed as f64,
            "",
        )
        .at_most(0.0),
        Figure::new("such a login, typical", rate.p50, "ms"),
        Figure::new("such a login, one in a hundred", rate.p99, "ms"),
        Figure::new("a login by OpenSSH, each", 1e3 / logins.through, "ms")
            .against(1e3 / logins.direct)
            .ratio_at_most(2.0),
    ]
}
