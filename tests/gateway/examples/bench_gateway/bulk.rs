//! Transfers by OpenSSH: what a GiB costs in the middle, through the gateway and through `sshd` chained to `ssh`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use sps_gateway_tests::policies::certificate;
use sps_harness::{Sshd, keygen};

use super::processes::{Group, Process};

/// Bytes of a transfer.
const AMOUNT: u64 = 1 << 30;
/// Runs of each, one after the other in turn; the median counts.
const RUNS: usize = 5;
const CIPHER: &str = "-caes128-gcm@openssh.com";

/// Seconds of processors for a GiB, and MiB a second.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Cost {
    seconds: f64,
    rate: f64,
}

/// Medians.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    direct: [Cost; 2],
    unrecorded: [Cost; 2],
    recorded: [Cost; 2],
    chained: [Cost; 2],
}

/// A way to the server.
struct Way {
    port: u16,
    /// Processes whose time counts.
    group: Group,
    /// What is put before the command.
    before: Vec<String>,
}

/// Both directions, each way.
pub(super) fn measure(folder: &Path) -> Result<Measured> {
    let server = Sshd::start("")?;
    let middle = Sshd::start("")?;
    let key = client_key(folder, &[&server, &middle])?;
    let certificate = certificate(folder)?.display().to_string();
    let unrecorded = Process::gateway(folder, server.port(), "off")?;
    let recorded = Process::gateway(folder, server.port(), &certificate)?;
    let inner = middle_key(&middle, &key)?;
    let hop = hop(&inner, &server);
    let way = |port, process| {
        anyhow::Ok(Way {
            port,
            group: Group::of(process)?,
            before: vec![],
        })
    };
    let ways = [
        way(server.port(), server.id())?,
        way(unrecorded.port, unrecorded.id())?,
        way(recorded.port, recorded.id())?,
        Way {
            port: middle.port(),
            group: Group::of(middle.id())?,
            before: vec![hop],
        },
    ];
    noise(&folder.join("noise"))?;
    let given = server.home().join("noise");
    fs::copy(folder.join("noise"), &given)?;
    let mut runs: [[Vec<Cost>; 2]; 4] = Default::default();
    for _ in 0..RUNS {
        for (way, runs) in ways.iter().zip(&mut runs) {
            runs[0].push(transfer(folder, way, &key, true)?);
            runs[1].push(transfer(folder, way, &key, false)?);
        }
        recorded.forget_trails()?;
    }
    let [direct, unrecorded, recorded, chained] = runs.map(|way| way.map(median));
    Ok(Measured {
        direct,
        unrecorded,
        recorded,
        chained,
    })
}

/// One transfer. The password is asked for by the server through the gateway: a key is used where no gateway is.
fn transfer(folder: &Path, way: &Way, key: &Path, up: bool) -> Result<Cost> {
    let before = way.group.seconds()?;
    let start = Instant::now();
    let command = if up { "cat > /dev/null" } else { "cat noise" };
    let command = match way.before.first() {
        Some(hop) => format!("{hop} '{command}'"),
        None => command.to_owned(),
    };
    let mut ssh = ssh(folder, way.port, key)?;
    ssh.arg(command);
    if up {
        ssh.stdin(fs::File::open(folder.join("noise"))?)
            .stdout(Stdio::null());
    } else {
        ssh.stdin(Stdio::null()).stdout(Stdio::null());
    }
    let status = ssh.status()?;
    ensure!(status.success(), "a transfer failed on port {}", way.port);
    let passed = start.elapsed().as_secs_f64();
    let gib = AMOUNT as f64 / f64::from(1 << 30);
    Ok(Cost {
        seconds: (way.group.seconds()? - before) / gib,
        rate: AMOUNT as f64 / f64::from(1 << 20) / passed,
    })
}

/// OpenSSH's client, who has a key and the password.
pub(super) fn ssh(folder: &Path, port: u16, key: &Path) -> Result<Command> {
    let ask = folder.join("ask");
    if !ask.exists() {
        fs::write(&ask, format!("#!/bin/sh\necho '{}'\n", Sshd::PASSWORD))?;
        fs::set_permissions(&ask, PermissionsExt::from_mode(0o755))?;
    }
    let mut command = Command::new("ssh");
    command
        .env("SSH_ASKPASS", ask)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("DISPLAY", "none")
        .args([
            "-F",
            "none",
            "-q",
            CIPHER,
            "-oStrictHostKeyChecking=no",
            "-oUserKnownHostsFile=/dev/null",
        ])
        .arg(format!("-oIdentityFile={}", key.display()))
        .args(["-oIdentitiesOnly=yes", "-oNumberOfPasswordPrompts=1"])
        .arg(format!("-p{port}"))
        .arg(format!("{}@127.0.0.1", Sshd::USER));
    Ok(command)
}

/// A key that these servers let in.
pub(super) fn client_key(folder: &Path, servers: &[&Sshd]) -> Result<PathBuf> {
    let key = folder.join("id");
    keygen(&key, "ed25519")?;
    let line = fs::read(folder.join("id.pub"))?;
    for server in servers {
        let home = server.home();
        let folder = home.parent().context("a home without a folder")?;
        fs::write(folder.join("authorized_keys"), &line)?;
    }
    Ok(key)
}

/// What the server in the middle runs to reach the other.
pub(super) fn hop(key: &Path, server: &Sshd) -> String {
    format!(
        "ssh -F none -q {CIPHER} -i {} -oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null -p {} {}@127.0.0.1",
        key.display(),
        server.port(),
        Sshd::USER
    )
}

/// The same key for the user of the server in the middle.
pub(super) fn middle_key(middle: &Sshd, key: &Path) -> Result<PathBuf> {
    let own = middle.home().join("id");
    fs::copy(key, &own)?;
    fs::set_permissions(&own, PermissionsExt::from_mode(0o600))?;
    chown(&own, Some(Sshd::USER_ID), Some(Sshd::USER_ID))?;
    Ok(own)
}

/// Bytes that cannot be compressed.
fn noise(path: &Path) -> Result<()> {
    let mut random = fs::File::open("/dev/urandom").map(|file| std::io::Read::take(file, AMOUNT))?;
    std::io::copy(&mut random, &mut fs::File::create(path)?)?;
    Ok(())
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    costs.get(costs.len() / 2).copied().unwrap_or_default()
}
