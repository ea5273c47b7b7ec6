//! What sessions leave in the log at each verbosity: more the higher it is, and no secret at any.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use std::time::Duration;

use sps_bootlog::{BootLog, BootLogLayer};
use sps_cluster_config::Cluster;
use sps_cluster_config::sections::policies::{ContentAction, ContentEvent, ContentKind, ContentPolicy};
use sps_gateway_tests::laboratory::Laboratory;
use sps_harness::Sshd;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;
use tracing_subscriber::prelude::*;

const WITHIN: Duration = Duration::from_secs(60);
/// What is typed, shown, run, copied and guessed here, and stands in no log.
const TYPED: &str = "typed-hunter2";
const SHOWN: &str = "shown-hunter3";
const RUN: &str = "run-hunter4";
const COPIED: &str = "copied-hunter5";
const GUESSED: &str = "guessed-hunter6";

/// A content policy finds what is run, and tells of it.
fn tells(document: &mut Cluster) {
    let event = ContentEvent {
        kind: ContentKind::Commands,
        matches: vec!["hunter".into()],
        ignores: vec![],
        actions: vec![ContentAction::Log, ContentAction::Notify],
    };
    let policy = ContentPolicy { events: vec![event] };
    document.policies.content = [("told".to_owned(), policy)].into();
    let channels = document.connections.ssh.channel_policies.values_mut().flatten();
    for channel in channels.filter(|channel| channel.kind == "exec") {
        channel.content_policy = Some("told".into());
    }
}

/// Somebody logs in, after a wrong password of somebody else, types what nobody sees, and copies a file.
async fn life(laboratory: &Laboratory) {
    let ask = laboratory.path("guess");
    std::fs::write(&ask, format!("#!/bin/sh\necho '{GUESSED}'\n")).unwrap();
    std::fs::set_permissions(&ask, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut ssh = laboratory.client("ssh").unwrap();
    let guess = ssh.env("SSH_ASKPASS", ask).args(["127.0.0.1", "true"]).output();
    assert_eq!(
        timeout(WITHIN, guess).await.unwrap().unwrap().status.code(),
        Some(255)
    );

    let program = format!("stty -echo; echo {SHOWN}; read secret; : {RUN}; echo $secret | tr a-z A-Z");
    let mut ssh = laboratory.client("ssh").unwrap();
    let mut ssh = ssh.args(["-tt", "127.0.0.1", &program]).spawn().unwrap();
    let mut lines = BufReader::new(ssh.stdout.take().unwrap()).lines();
    let mut typed = ssh.stdin.take().unwrap();
    let talk = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(SHOWN) {
                typed.write_all(format!("{TYPED}\n").as_bytes()).await.unwrap();
            }
            if line.contains(&TYPED.to_uppercase()) {
                break;
            }
        }
        assert!(ssh.wait().await.unwrap().success());
    };
    timeout(WITHIN, talk).await.expect("in time");

    let file = laboratory.path("file");
    std::fs::write(&file, COPIED).unwrap();
    let mut scp = laboratory.client("scp").unwrap();
    let scp = scp
        .arg(&file)
        .arg(format!("{}@127.0.0.1:{COPIED}", Sshd::USER))
        .output();
    assert!(timeout(WITHIN, scp).await.unwrap().unwrap().status.success());
    let mut changes = laboratory.running.live.changes();
    while laboratory.running.live.count() > 0 {
        timeout(WITHIN, changes.changed()).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_tell_more_at_higher_verbosity_and_secrets_at_none() {
    let log = BootLog::new();
    tracing_subscriber::registry()
        .with(BootLogLayer::new(log.clone()))
        .init();
    let laboratory = Laboratory::start(tells).unwrap();
    let mut counts = Vec::new();
    for verbosity in 1..=10 {
        log.verbosity().set(verbosity);
        let before = log.newest();
        life(&laboratory).await;
        let entries = log.after(before).entries;
        let text: Vec<_> = entries
            .into_iter()
            .map(|entry| format!("{} {}", entry.source, entry.text))
            .collect();
        let text = text.join("\n");
        for secret in [
            TYPED,
            SHOWN,
            RUN,
            COPIED,
            GUESSED,
            Sshd::PASSWORD,
            "PRIVATE KEY",
            "HUNTER",
            "hunter",
        ] {
            assert!(!text.contains(secret), "{secret:?} at {verbosity}:\n{text}");
        }
        // Alerts are hidden at none.
        assert!(
            text.contains("ALERT: content policy: command found in session ssh-"),
            "{verbosity}: {text}"
        );
        for (from, words) in [
            (3, "logged in at the server"),
            (6, "channel opened: session-exec"),
            (6, "login by password"),
            (9, "bytes from the client"),
        ] {
            assert_eq!(
                text.contains(words),
                verbosity >= from,
                "{words:?} at {verbosity}:\n{text}"
            );
        }
        counts.push(text.lines().count());
    }
    assert!(
        counts[0] < counts[3] && counts[3] < counts[6] && counts[6] < counts[9],
        "{counts:?}"
    );
}
