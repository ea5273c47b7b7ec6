//! What somebody who types notices: the time from a key to its echo, direct and through the gateway.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use russh::client::{Handle, connect};
use russh::{Channel, ChannelMsg};
use serde::Serialize;
use sps_gateway_tests::policies::certificate;
use sps_harness::Sshd;
use sps_harness::crowd::{Anybody, config};

use super::bulk::{client_key, hop, middle_key};
use super::processes::Process;

/// Keys that are measured in a round.
const KEYS: usize = 2000;
/// Rounds, in turn.
const ROUNDS: usize = 5;
/// Echoes as soon as it says so.
const ECHO: &str = "stty raw -echo; echo ready; exec cat";
/// Keys before they count.
const WARM: usize = 100;

/// Microseconds: the middle, and what one in a hundred is over.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Latency {
    p50: f64,
    p99: f64,
}

/// All of them.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    direct: Latency,
    unrecorded: Latency,
    recorded: Latency,
    chained: Latency,
}

/// Somebody who is logged in with the password of the test server.
pub(super) async fn log_in(address: (&str, u16)) -> Result<Handle<Anybody>> {
    let mut handle = connect(config(), address, Anybody).await?;
    let done = handle.authenticate_password(Sshd::USER, Sshd::PASSWORD).await?;
    ensure!(done.success(), "the password was refused");
    Ok(handle)
}

/// In turn, since the machine is busier at some times.
pub(super) async fn measure(folder: &Path) -> Result<Measured> {
    let (server, middle) = (Sshd::start("")?, Sshd::start("")?);
    let unrecorded = Process::gateway(folder, server.port(), "off")?;
    let recorded = Process::gateway(folder, server.port(), &certificate(folder)?.display().to_string())?;
    let mut terminals = Vec::new();
    let key = client_key(folder, &[&server])?;
    let inner = middle_key(&middle, &key)?;
    let hop = hop(&inner, &server);
    let chained = format!("stty raw -echo; {hop} -tt '{ECHO}'");
    let ways = [
        (server.port(), ECHO),
        (unrecorded.port, ECHO),
        (recorded.port, ECHO),
        (middle.port(), &chained),
    ];
    for (port, command) in ways {
        let handle = log_in(("127.0.0.1", port)).await?;
        let channel = terminal(&handle, command).await?;
        terminals.push((handle, channel, Vec::new()));
    }
    for _ in 0..ROUNDS {
        for (_, channel, times) in &mut terminals {
            times.extend(keys(channel).await?);
        }
    }
    let mut found = terminals.into_iter().map(|(_, _, times)| latency(times));
    let mut next = || found.next().context("a way is missing");
    Ok(Measured {
        direct: next()?,
        unrecorded: next()?,
        recorded: next()?,
        chained: next()?,
    })
}

/// A terminal in which a program echoes.
pub(super) async fn terminal(handle: &Handle<Anybody>, command: &str) -> Result<Channel<russh::client::Msg>> {
    let mut channel = handle.channel_open_session().await?;
    channel.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await?;
    channel.exec(true, command).await?;
    let mut said = Vec::new();
    while !said.windows(5).any(|part| part == b"ready") {
        match channel.wait().await.context("the terminal closed")? {
            ChannelMsg::Data { data } => said.extend_from_slice(&data),
            ChannelMsg::Failure => anyhow::bail!("there is no terminal"),
            _ => {}
        }
    }
    Ok(channel)
}

/// Microseconds of each key.
async fn keys(channel: &mut Channel<russh::client::Msg>) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(KEYS);
    for number in 0..KEYS + WARM {
        let start = Instant::now();
        channel.data_bytes(b"x".as_slice()).await?;
        loop {
            match channel.wait().await.context("the terminal closed")? {
                ChannelMsg::Data { data } if data.contains(&b'x') => break,
                _ => {}
            }
        }
        if number >= WARM {
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(times)
}

pub(super) fn latency(mut times: Vec<f64>) -> Latency {
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    Latency {
        p50: at(50),
        p99: at(99),
    }
}
