//! A gateway in a process of its own, so that what it costs can be told from what the others do.

use std::path::Path;

use anyhow::{Context as _, Result};
use sps_cluster_config::Cluster;
use sps_cluster_config::sections::policies::{ContentAction, ContentEvent, ContentKind, ContentPolicy};
use sps_gateway_tests::{ground, policies};
use sps_harness::crowd;
use tokio::io::{AsyncReadExt as _, stdin};

/// Recorded, with a policy that looks at commands.
pub(super) const POLICY: &str = "policy";

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
