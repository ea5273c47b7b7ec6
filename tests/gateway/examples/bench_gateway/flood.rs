//! A flood before a gateway that has little memory: who gets in, who is refused, who is ended, and how much stays free.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use russh::Channel;
use russh::client::{Handle, Msg};
use serde::Serialize;
use sps_harness::crowd::{Anybody, null, shell, somebody, stubborn};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::processes::{Process, memory};

/// Sessions that want in.
const FLOOD: usize = 2000;
/// How many of them try at the same time.
const AT_ONCE: usize = 32;
/// Longest time that one tries.
const TRIES: Duration = Duration::from_secs(120);
/// Longest time until somebody was ended, and until all is as before.
const WITHIN: Duration = Duration::from_secs(300);

/// How it went; memory in bytes, times in seconds.
#[derive(Debug, Serialize)]
pub(super) struct Flood {
    empty: u64,
    flooded: serde_json::Value,
    flooding: f64,
    burst: serde_json::Value,
    after: serde_json::Value,
    resident_after: u64,
    a_new_one_in: f64,
}

type Session = (Handle<Anybody>, Channel<Msg>);

async fn one(port: u16, number: usize) -> Result<Session> {
    let comes = async {
        let handle = somebody(stubborn(), port, number, "somebody").await?;
        let channel = shell(&handle).await?;
        anyhow::Ok((handle, channel))
    };
    timeout(TRIES, comes).await?
}

pub(super) async fn measure(folder: &Path, mib: &str) -> Result<Flood> {
    let server = Process::null()?;
    let mut gateway = Process::within(folder, server.port, mib)?;
    let empty = memory(gateway.id())?;
    let begun = Instant::now();
    let (mut trying, mut inside) = (JoinSet::<Result<Session>>::new(), Vec::new());
    for number in 0..FLOOD {
        if trying.len() >= AT_ONCE {
            inside.extend(trying.join_next().await.context("nobody tries")??.ok());
        }
        trying.spawn(one(gateway.port, number));
    }
    while let Some(tried) = trying.join_next().await {
        inside.extend(tried?.ok());
    }
    let (flooding, flooded) = (begun.elapsed().as_secs_f64(), gateway.ask()?);
    for (_, channel) in &inside {
        // Some may be gone.
        let _gone = channel.data_bytes(null::BURST).await;
    }
    let mut look = interval(Duration::from_secs(1));
    let burst = until(&mut gateway, &mut look, |now| now["ended"] != 0).await?;
    drop(inside);
    let after = until(&mut gateway, &mut look, |now| now["open"] == 0).await?;
    let begun = Instant::now();
    while one(gateway.port, 0).await.is_err() && begun.elapsed() < WITHIN {
        look.tick().await;
    }
    Ok(Flood {
        empty,
        flooded,
        flooding,
        burst,
        after,
        resident_after: memory(gateway.id())?,
        a_new_one_in: begun.elapsed().as_secs_f64(),
    })
}

/// What the gateway says when it is as `wanted`, or when that took too long.
async fn until(
    gateway: &mut Process,
    look: &mut tokio::time::Interval,
    wanted: impl Fn(&serde_json::Value) -> bool,
) -> Result<serde_json::Value> {
    let begun = Instant::now();
    loop {
        look.tick().await;
        let now = gateway.ask()?;
        if wanted(&now) || begun.elapsed() > WITHIN {
            return Ok(now);
        }
    }
}
