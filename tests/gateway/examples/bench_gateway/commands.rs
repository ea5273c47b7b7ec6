//! What somebody notices who runs commands: the time from Enter to the next prompt, direct, recorded, and with a policy that looks at every
//! command before it runs.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use russh::{Channel, ChannelMsg, client};
use serde::Serialize;
use sps_harness::Sshd;

use super::echo::{Latency, latency, log_in, terminal};
use super::processes::Process;
use super::serve::POLICY;

/// Commands that are measured in a round.
const COMMANDS: usize = 400;
/// Rounds, in turn.
const ROUNDS: usize = 5;
/// Commands before they count.
const WARM: usize = 20;
/// A shell whose prompt nothing else shows.
const SHELL: &str = "PS1='ready> ' exec bash --norc -i";

/// All of them.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    direct: Latency,
    recorded: Latency,
    policy: Latency,
}

/// In turn, since the machine is busier at some times.
pub(super) async fn measure(folder: &Path) -> Result<Measured> {
    let server = Sshd::start("")?;
    let recorded = Process::gateway(folder, server.port(), "plain")?;
    let policy = Process::gateway(folder, server.port(), POLICY)?;
    let mut shells = Vec::new();
    for port in [server.port(), recorded.port, policy.port] {
        let handle = log_in(("127.0.0.1", port)).await?;
        let channel = terminal(&handle, SHELL).await?;
        shells.push((handle, channel, Vec::new()));
    }
    for _ in 0..ROUNDS {
        for (_, channel, times) in &mut shells {
            times.extend(commands(channel).await?);
        }
    }
    let mut found = shells.into_iter().map(|(_, _, times)| latency(times));
    let mut next = || found.next().context("a way is missing");
    Ok(Measured {
        direct: next()?,
        recorded: next()?,
        policy: next()?,
    })
}

/// Microseconds of each command.
async fn commands(channel: &mut Channel<client::Msg>) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(COMMANDS);
    for number in 0..COMMANDS + WARM {
        channel.data_bytes(b":".as_slice()).await?;
        until(channel, b":").await?;
        let start = Instant::now();
        channel.data_bytes(b"\r".as_slice()).await?;
        until(channel, b"ready> ").await?;
        if number >= WARM {
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(times)
}

async fn until(channel: &mut Channel<client::Msg>, text: &[u8]) -> Result<()> {
    let mut said = Vec::new();
    while !said.windows(text.len()).any(|part| part == text) {
        if let ChannelMsg::Data { data } = channel.wait().await.context("the terminal closed")? {
            said.extend_from_slice(&data);
        }
    }
    Ok(())
}
