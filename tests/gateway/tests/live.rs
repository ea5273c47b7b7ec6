//! Sessions that go on: followed, ended, agreed to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use std::time::Duration;

use sps_cluster_config::Cluster;
use sps_gateway::{Active, Live, LiveError};
use sps_gateway_tests::laboratory::Laboratory;
use sps_harness::Sshd;
use sps_session_record::{SessionRecord, Word};
use sps_trail::{Kind, Playback};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(30);

/// The sessions, when they are as `wanted`.
async fn until(live: &Live, wanted: impl Fn(&[Active]) -> bool) -> Vec<Active> {
    let mut changes = live.changes();
    let found = async {
        loop {
            let list = live.list();
            if wanted(&list) {
                return list;
            }
            changes.changed().await.unwrap();
        }
    };
    timeout(WITHIN, found).await.expect("in time")
}

/// What a follower sees until it is as `wanted`, and the events it was told.
async fn seen(live: &Live, id: &str, wanted: impl Fn(&str) -> bool) -> (String, Vec<Kind<'static>>) {
    let mut following = live.follow(id, "bob").unwrap();
    let mut playback = Playback::new(None, Vec::new());
    let (mut text, mut told) = (String::new(), Vec::new());
    let looking = async {
        while let Some(piece) = following.next().await {
            playback.push(&piece);
            while let Some(event) = playback.next().unwrap() {
                if let Kind::Output { data, .. } = &event.kind {
                    text.push_str(&String::from_utf8_lossy(data));
                }
                told.push(event.kind);
            }
            if wanted(&text) {
                break;
            }
        }
    };
    timeout(WITHIN, looking).await.expect("in time");
    (text, told)
}

fn record(laboratory: &Laboratory, id: &str) -> SessionRecord {
    laboratory.running.folder.database().get(id).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_sees_what_was_and_what_comes_and_can_end_it() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let live = laboratory.running.live.clone();
    assert_eq!(
        live.terminate("nobody", ""),
        Err(LiveError::Gone("nobody".into()))
    );
    let mut ssh = laboratory.client("ssh").unwrap();
    let program =
        "stty -echo; echo quiet; read secret; echo first-$((1+1)); read next; echo second-$((2+2)); cat";
    let mut ssh = ssh.args(["-tt", "127.0.0.1", program]).spawn().unwrap();
    let mut typed = ssh.stdin.take().unwrap();
    let list = until(&live, |list| list.iter().any(|it| it.channels == 1)).await;
    let id = list[0].id.clone();
    assert_eq!(list[0].server_user, Sshd::USER);
    assert_eq!(list[0].server, format!("127.0.0.1:{}", laboratory.server.port()));

    seen(&live, &id, |text| text.contains("quiet")).await;
    typed.write_all(b"hunter2\n").await.unwrap();

    // What was, to somebody who comes later; then what comes.
    let (text, told) = seen(&live, &id, |text| text.contains("first-2")).await;
    assert!(
        told.iter().any(|kind| matches!(kind, Kind::Terminal { .. })),
        "{told:?}"
    );
    assert!(!text.contains("hunter2"), "what was typed is shown: {text}");
    let follower = tokio::spawn({
        let (live, id) = (live.clone(), id.clone());
        async move { seen(&live, &id, |text| text.contains("second-4")).await }
    });
    typed.write_all(b"next\n").await.unwrap();
    let (text, told) = follower.await.unwrap();
    assert!(text.contains("first-2") && text.contains("second-4"), "{text}");
    assert!(!told.iter().any(|kind| matches!(kind, Kind::Input { .. })));

    let until_end = tokio::spawn({
        let (live, id) = (live.clone(), id.clone());
        async move { seen(&live, &id, |_| false).await }
    });
    until(&live, |list| list.iter().any(|it| it.followers == 1)).await;
    live.terminate(&id, "bob ended the session: enough").unwrap();
    let mut said = String::new();
    ssh.stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .await
        .unwrap();
    assert!(said.contains("bob ended the session: enough"), "{said}");
    assert_eq!(ssh.wait().await.unwrap().code(), Some(255));
    until(&live, <[Active]>::is_empty).await;
    until_end.await.unwrap();
    let record = record(&laboratory, &id);
    assert_eq!(record.verdict, Word::TERMINATED);
    assert!(record.end.is_some());
}

fn four_eyes(document: &mut Cluster) {
    let channels = document.connections.ssh.channel_policies.get_mut("all").unwrap();
    for channel in channels
        .iter_mut()
        .filter(|channel| channel.kind == "exec" || channel.kind == "shell")
    {
        channel.four_eyes = true;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_four_eyes_waits_for_somebody_else() {
    let laboratory = Laboratory::start(four_eyes).unwrap();
    let live = laboratory.running.live.clone();
    let begin = |command: &str| {
        let mut ssh = laboratory.client("ssh").unwrap();
        ssh.args(["127.0.0.1", command]).spawn().unwrap()
    };
    let asks = |list: &[Active]| list.iter().any(|it| !it.asking.is_empty());

    let agreed = begin("echo done; touch agreed");
    let list = until(&live, asks).await;
    let asking = &list[0].asking[0];
    assert_eq!(
        (asking.kind.as_str(), asking.detail.as_str()),
        ("session-exec", "echo done; touch agreed")
    );
    assert!(
        !laboratory.server.home().join("agreed").exists(),
        "it ran before anybody agreed"
    );
    let not_asked = LiveError::NotAsked {
        id: list[0].id.clone(),
        number: 9,
    };
    assert_eq!(live.answer(&list[0].id, 9, "bob", true), Err(not_asked));
    live.answer(&list[0].id, asking.number, "bob", true).unwrap();
    let output = timeout(WITHIN, agreed.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"done\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("agreement of somebody else"));
    assert!(laboratory.server.home().join("agreed").exists());

    let refused = begin("touch refused");
    let list = until(&live, asks).await;
    live.answer(&list[0].id, 1, "bob", false).unwrap();
    let output = timeout(WITHIN, refused.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(output.status.code(), Some(126));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("bob did not agree to it"), "{said}");
    assert!(!laboratory.server.home().join("refused").exists());

    // Whoever asks and goes asks no longer.
    let mut gone = begin("touch gone");
    until(&live, asks).await;
    gone.kill().await.unwrap();
    until(&live, <[Active]>::is_empty).await;
    assert!(!laboratory.server.home().join("gone").exists());
}
