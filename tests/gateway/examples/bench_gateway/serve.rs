//! A gateway in a process of its own, so that what it costs can be told from what the others do.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sps_cluster_config::Cluster;
use sps_cluster_config::sections::policies::{ContentAction, ContentEvent, ContentKind, ContentPolicy};
use sps_gateway_tests::{ground, policies};
use sps_harness::crowd;
use sps_proxy_ssh::{Limits, Memory};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, stdin};
use tokio::time::interval;

/// Recorded, with a policy that looks at commands.
pub(super) const POLICY: &str = "policy";

/// Longest wait for another look at the memory, as the appliance has it while that is short.
const LOOK: Duration = Duration::from_millis(100);

/// The same for a gateway that has so many MiB, and tells at each line of its standard input what became of its sessions.
pub(super) async fn within(folder: &Path, server: u16, mib: u64) -> Result<()> {
    let port = policies::free_port()?;
    let mut document = policies::to_server(port, server, true, vec![]);
    let options = &mut document.connections.ssh.options;
    (options.most_sessions, options.most_of_one_client) = (100_000, 100_000);
    let limits = Limits::from(&*options);
    let running = ground::start(folder, &document, ([0, 0, 0, 0], port).into())?;
    running.proxy.limit(limits);
    println!("{port}");
    let mut lines = BufReader::new(stdin()).lines();
    let (mut look, begun) = (interval(LOOK), Instant::now());
    let (mut least, mut rounds) = (u64::MAX, 0_u64);
    loop {
        tokio::select! {
            _ = look.tick() => {
                let resident = sps_gateway::memory().context("no /proc")?.resident;
                let total = mib << 20;
                let available = total.saturating_sub(resident);
                least = least.min(available);
                let memory = Memory { total, available, resident, stalled: 0.0 };
                let _ended = running.proxy.measured(memory, begun.elapsed());
                rounds += 1;
                if running.proxy.is_short() && rounds.is_multiple_of(20) {
                    sps_sys::memory::give_back();
                }
            }
            line = lines.next_line() => {
                if line?.is_none() {
                    break;
                }
                let counts = running.meter.counts();
                let lack = counts.refused.iter().find(|(why, _)| *why == "memory");
                let told = serde_json::json!({
                    "open": running.proxy.open().0,
                    "taken": counts.taken,
                    "refused": lack.map_or(0, |(_, count)| *count),
                    "ended": counts.shed,
                    "least_free": least,
                });
                println!("{told}");
            }
        }
    }
    running.proxy.shut_down().await;
    Ok(())
}

/// Serves until its standard input ends. `audit` is `off`, `plain`, [`POLICY`] or the file of a certificate.
pub(super) async fn serve(folder: &Path, server: u16, audit: &str) -> Result<()> {
    let encryption = match audit {
        "off" | "plain" | POLICY => vec![],
        file => vec![std::fs::read_to_string(file).context("read the certificate")?],
    };
    let port = policies::free_port()?;
    let mut document = policies::to_server(port, server, audit != "off", encryption);
    if audit == POLICY {
        watch_commands(&mut document);
    }
    let running = ground::start(folder, &document, ([0, 0, 0, 0], port).into())?;
    println!("{port}");
    stdin().read_to_end(&mut Vec::new()).await?;
    running.proxy.shut_down().await;
    Ok(())
}

/// A server that takes everybody, until its standard input ends.
pub(super) async fn null() -> Result<()> {
    println!("{}", crowd::null::start().await?);
    stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// Ten patterns, as administrators have them.
fn watch_commands(document: &mut Cluster) {
    let words = [
        "rm", "dd", "mkfs", "shutdown", "reboot", "passwd", "useradd", "iptables", "nc", "curl",
    ];
    let event = ContentEvent {
        kind: ContentKind::Commands,
        matches: words.iter().map(|word| format!(r"\b{word}\b.*(/|-f)")).collect(),
        ignores: vec![],
        actions: vec![ContentAction::Terminate],
    };
    let policy = ContentPolicy { events: vec![event] };
    document.policies.content = [("commands".to_owned(), policy)].into();
    let channels = document.connections.ssh.channel_policies.values_mut().flatten();
    for channel in channels.filter(|channel| matches!(channel.kind.as_str(), "shell" | "exec")) {
        channel.content_policy = Some("commands".into());
    }
}
