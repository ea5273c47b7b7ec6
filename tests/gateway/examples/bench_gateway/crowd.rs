//! Many at once: sessions that wait, logins a second, and coming and going for a long time.

use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use russh::client::Handle;
use russh::{ChannelMsg, Disconnect};
use serde::Serialize;
use sps_gateway_tests::policies::certificate;
use sps_harness::Sshd;
use sps_harness::crowd::{self, Anybody, shell};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::interval;

use super::bulk::{client_key, ssh};
use super::processes::{Process, memory};

/// Sessions that wait.
const WAITING: usize = 2000;
/// Logins a second, and for how long.
const RATE: u32 = 100;
const LASTING: u32 = 60;
/// Logins by OpenSSH each way, and how many at a time.
const LOGINS: usize = 400;
const AT_A_TIME: usize = 4;

/// Memory of sessions that wait, bytes.
#[derive(Debug, Serialize)]
pub(super) struct Idle {
    empty: u64,
    full: u64,
}

/// How a flood of logins went; milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Rate {
    tried: u64,
    failed: u64,
    p50: f64,
    p99: f64,
}

/// Logins a second by OpenSSH.
#[derive(Debug, Serialize)]
pub(super) struct Logins {
    direct: f64,
    through: f64,
}

/// Somebody from an address of their own, of 250.
async fn somebody(port: u16, number: usize) -> Result<Handle<Anybody>> {
    crowd::somebody(crowd::config(), port, number, "somebody").await
}

/// Recorded sessions that wait.
pub(super) async fn idle(folder: &Path) -> Result<Idle> {
    let null = Process::null()?;
    let gateway = Process::gateway(folder, null.port, &certificate(folder)?.display().to_string())?;
    drop(somebody(gateway.port, 0).await?);
    let empty = memory(gateway.id())?;
    let room = Arc::new(Semaphore::new(8));
    let mut coming = JoinSet::new();
    for number in 0..WAITING {
        let permit = room.clone().acquire_owned().await?;
        let port = gateway.port;
        coming.spawn(async move {
            let _permit = permit;
            let handle = somebody(port, number).await?;
            let channel = shell(&handle).await?;
            anyhow::Ok((handle, channel))
        });
    }
    let mut there = Vec::new();
    while let Some(one) = coming.join_next().await {
        there.push(one??);
    }
    // Trails are written within a second, the database as well.
    let mut seconds = interval(Duration::from_secs(1));
    for _ in 0..4 {
        seconds.tick().await;
    }
    let full = memory(gateway.id())?;
    drop(there);
    Ok(Idle { empty, full })
}

/// Logins at an even pace, whatever becomes of them.
pub(super) async fn rate(folder: &Path) -> Result<Rate> {
    let null = Process::null()?;
    let gateway = Process::gateway(folder, null.port, &certificate(folder)?.display().to_string())?;
    let mut pace = interval(Duration::from_secs(1) / RATE);
    let mut going: JoinSet<Result<f64>> = JoinSet::new();
    for number in 0..(RATE * LASTING) as usize {
        pace.tick().await;
        let port = gateway.port;
        going.spawn(async move {
            let start = Instant::now();
            let handle = somebody(port, number).await?;
            let passed = start.elapsed().as_secs_f64() * 1e3;
            handle.disconnect(Disconnect::ByApplication, "", "").await?;
            Ok(passed)
        });
    }
    let (mut times, mut failed) = (Vec::new(), 0);
    while let Some(one) = going.join_next().await {
        match one? {
            Ok(time) => times.push(time),
            Err(error) => {
                eprintln!("a login failed: {error:#}");
                failed += 1;
            }
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    Ok(Rate {
        tried: u64::from(RATE * LASTING),
        failed,
        p50: at(50),
        p99: at(99),
    })
}

/// OpenSSH at both ends, in turn.
pub(super) fn logins(folder: &Path) -> Result<Logins> {
    let server = Sshd::start("")?;
    let key = client_key(folder, &[])?;
    let gateway = Process::gateway(folder, server.port(), "plain")?;
    let mut rates = [0.0_f64; 2];
    for _ in 0..2 {
        for (way, port) in [server.port(), gateway.port].into_iter().enumerate() {
            rates[way] = rates[way].max(logged_in(folder, port, &key)?);
        }
    }
    Ok(Logins {
        direct: rates[0],
        through: rates[1],
    })
}

fn logged_in(folder: &Path, port: u16, key: &Path) -> Result<f64> {
    let start = Instant::now();
    let mut going: Vec<Child> = Vec::new();
    for _ in 0..LOGINS {
        if going.len() == AT_A_TIME {
            ensure!(going.remove(0).wait()?.success(), "a login failed on port {port}");
        }
        let mut ssh = ssh(folder, port, key)?;
        // The same way in on both.
        ssh.args(["-oPreferredAuthentications=password", "exit 0"]);
        going.push(ssh.spawn()?);
    }
    for mut one in going {
        ensure!(one.wait()?.success(), "a login failed on port {port}");
    }
    Ok(LOGINS as f64 / start.elapsed().as_secs_f64())
}

/// Sessions that come, speak and go, for minutes; a line each half minute with the memory of the gateway.
pub(super) async fn churn(folder: &Path, minutes: u64) -> Result<()> {
    let null = Process::null()?;
    let gateway = Process::gateway(folder, null.port, &certificate(folder)?.display().to_string())?;
    let end = Instant::now() + Duration::from_secs(minutes * 60);
    let (done, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut people = JoinSet::new();
    for number in 0..32 {
        let (port, done, failed) = (gateway.port, done.clone(), failed.clone());
        people.spawn(async move {
            while Instant::now() < end {
                let count = match once(port, number).await {
                    Ok(()) => &done,
                    Err(error) => {
                        eprintln!("a session failed: {error:#}");
                        &failed
                    }
                };
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let mut looks = interval(Duration::from_secs(30));
    loop {
        tokio::select! {
            _ = looks.tick() => println!(
                "{:5.1} minutes left, {} sessions, {} failed, {:.1} MiB",
                end.saturating_duration_since(Instant::now()).as_secs_f64() / 60.0,
                done.load(Ordering::Relaxed),
                failed.load(Ordering::Relaxed),
                memory(gateway.id())? as f64 / f64::from(1 << 20)
            ),
            one = people.join_next() => match one {
                Some(one) => one?,
                None => return Ok(()),
            },
        }
    }
}

/// A session that says a little and ends: some in order, some by vanishing.
async fn once(port: u16, number: usize) -> Result<()> {
    let handle = somebody(port, number).await?;
    let mut channel = shell(&handle).await?;
    for _ in 0..20 {
        channel.data_bytes(vec![b'a'; 512]).await?;
        let mut back = 0;
        while back < 512 {
            match channel.wait().await.context("the session closed")? {
                ChannelMsg::Data { data } => back += data.len(),
                ChannelMsg::Close => anyhow::bail!("the session closed"),
                _ => {}
            }
        }
    }
    if !number.is_multiple_of(3) {
        handle.disconnect(Disconnect::ByApplication, "", "").await?;
    }
    Ok(())
}
