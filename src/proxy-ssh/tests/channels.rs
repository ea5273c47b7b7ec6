//! What may be done inside a connection, and that it works as without a proxy.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod common;

use std::net::TcpListener;
use std::process::Stdio;

use common::{Lab, Said, Settings, USER, USER_PASSWORD, keygen, noise, noise_file};
use sps_cluster_config::sections::connections::{Channel, InbandTarget};
use sps_cluster_config::sections::policies::{ContentAction, ContentEvent, ContentKind, ContentPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn only(kinds: &[&str]) -> impl FnOnce(&mut Settings) {
    let channels = kinds.iter().map(|&kind| Channel {
        kind: kind.into(),
        audit: true,
        ..Channel::default()
    });
    let channels: Vec<Channel> = channels.collect();
    move |settings| *settings.channels() = channels
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_does_not_name_is_refused_and_said() {
    let lab = Lab::start(only(&["sftp"])).await;
    let said = lab.ssh(&["id"]).await;
    assert!(said.err.contains("exec is not allowed here"), "{said:?}");
    assert!(!said.out.contains("uid="), "{said:?}");
    assert_eq!(lab.appliance.ended(0).await.denied(), ["session-exec"]);
    let mut shell = lab.client("ssh", USER, USER_PASSWORD);
    shell.args(["-tt", "127.0.0.1"]);
    let said = Said::from(shell.output().await.unwrap());
    assert!(
        said.err.contains("not allowed") || said.out.contains("not allowed"),
        "{said:?}"
    );
    // A program of the name of a copy is none.
    let said = lab.ssh(&["scp -t . ; id"]).await;
    assert!(!said.out.contains("uid="), "{said:?}");
    let mut sftp = lab.client("sftp", USER, USER_PASSWORD);
    sftp.args(["-oBatchMode=no", "-b", "-", "127.0.0.1"])
        .stdin(Stdio::piped());
    let mut child = sftp.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"pwd\n").await.unwrap();
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_forward_goes_where_the_policy_says() {
    let target = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = target.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = target.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                drop(tokio::io::copy(&mut from, &mut to).await);
                drop(to.shutdown().await);
            });
        }
    });
    let lab = Lab::start(|settings| {
        for line in settings.channels() {
            if line.kind == "local-forward" {
                line.servers = vec![InbandTarget {
                    host: "127.0.0.1".into(),
                    port: Some(port),
                }];
            }
        }
    })
    .await;
    let through = async |to: u16, sent: Vec<u8>| {
        let mut command = lab.client("ssh", USER, USER_PASSWORD);
        command
            .arg(format!("-W127.0.0.1:{to}"))
            .arg("127.0.0.1")
            .stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let writing = tokio::spawn(async move { drop(input.write_all(&sent).await) });
        let output = child.wait_with_output().await.unwrap();
        writing.await.unwrap();
        output
    };
    let sent = noise(3_000_000);
    assert!(through(port, sent.clone()).await.stdout == sent);
    let kept = lab.appliance.ended(0).await;
    assert_eq!(kept.opened(), [("local-forward", format!("127.0.0.1:{port}"))]);
    assert!(kept.input() == sent && kept.output() == sent);
    let refused = through(lab.server.port(), b"x".to_vec()).await;
    assert!(!refused.status.success());
    assert_eq!(lab.appliance.ended(1).await.denied(), ["local-forward"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_forward_comes_back_to_the_client() {
    let lab = Lab::start(|_| {}).await;
    let near = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (near_port, far_port) = (near.local_addr().unwrap().port(), free_port());
    let mut command = lab.client("ssh", USER, USER_PASSWORD);
    command
        .args([
            "-oExitOnForwardFailure=yes",
            &format!("-R127.0.0.1:{far_port}:127.0.0.1:{near_port}"),
        ])
        .args(["127.0.0.1", "echo ready; cat"])
        .stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut ready = [0; 6];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut ready)
        .await
        .unwrap();
    let mut far = tokio::net::TcpStream::connect(("127.0.0.1", far_port))
        .await
        .unwrap();
    let (mut met, _) = near.accept().await.unwrap();
    far.write_all(b"there").await.unwrap();
    let mut said = [0; 5];
    met.read_exact(&mut said).await.unwrap();
    met.write_all(b"and back").await.unwrap();
    drop(met);
    let mut back = String::new();
    far.read_to_string(&mut back).await.unwrap();
    assert_eq!((&said, back.as_str()), (b"there", "and back"));
    drop(far);
    drop(child.stdin.take());
    assert!(child.wait().await.unwrap().success());
    let kinds: Vec<_> = lab
        .appliance
        .ended(0)
        .await
        .opened()
        .iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(kinds, ["session-exec", "remote-forward"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_reached_only_where_it_is_allowed() {
    for allowed in [true, false] {
        let kinds: &[&str] = if allowed { &["exec", "agent"] } else { &["exec"] };
        let lab = Lab::start(only(kinds)).await;
        let socket = lab.path("agent");
        let mut agent = tokio::process::Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        keygen(&lab.path("id"), "ed25519");
        loop {
            let added = tokio::process::Command::new("ssh-add")
                .arg("-q")
                .arg(lab.path("id"))
                .env("SSH_AUTH_SOCK", &socket)
                .stderr(Stdio::null())
                .status();
            if added.await.unwrap().success() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let mut command = lab.client("ssh", USER, USER_PASSWORD);
        command
            .env("SSH_AUTH_SOCK", &socket)
            .args(["-A", "127.0.0.1", "ssh-add -l"]);
        let said = Said::from(command.output().await.unwrap());
        assert_eq!(said.out.contains("ED25519"), allowed, "{said:?}");
        agent.kill().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_nobody_reads_stops_no_other() {
    let lab = Lab::start(|_| {}).await;
    let control = lab.path("control");
    let master = |command: &mut tokio::process::Command| {
        command.arg(format!("-oControlPath={}", control.display()));
    };
    // One connection: a channel whose output nobody takes, until everything between is full.
    let mut stalled = lab.client("ssh", USER, USER_PASSWORD);
    master(&mut stalled);
    stalled.args(["-oControlMaster=yes", "127.0.0.1", "echo begun; cat /dev/zero"]);
    let mut stalled = stalled.spawn().unwrap();
    let mut begun = [0; 6];
    stalled
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut begun)
        .await
        .unwrap();
    // And others, which must go on.
    for round in 0..5 {
        let mut other = lab.client("ssh", USER, USER_PASSWORD);
        master(&mut other);
        other.args([
            "-oControlMaster=no",
            "127.0.0.1",
            "head -c 3000000 /dev/zero | wc -c",
        ]);
        let said = Said::from(other.output().await.unwrap());
        assert_eq!(said.out.trim(), "3000000", "round {round}: {said:?}");
    }
    let passed = lab.appliance.so_far(0).output().len();
    assert!(
        passed < 64 << 20,
        "{passed} bytes were taken from a server for a client that reads nothing"
    );
    stalled.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_policy_looks_at_commands_before_they_run() {
    let lab = Lab::start(|settings| {
        settings.channels()[1].content_policy = Some("no-rm".into());
        let event = ContentEvent {
            kind: ContentKind::Commands,
            matches: vec![r"\btouch\b".into()],
            ignores: Vec::new(),
            actions: vec![ContentAction::Notify, ContentAction::Terminate],
        };
        settings
            .policies
            .content
            .insert("no-rm".into(), ContentPolicy { events: vec![event] });
    })
    .await;
    let file = lab.server.home().join("made");
    let said = lab
        .ssh(&[&format!("true; TOUCH=1; touch {}", file.display())])
        .await;
    assert!(said.err.contains("content policy"), "{said:?}");
    assert!(!file.exists());
    assert_eq!(lab.appliance.ended(0).await.verdict, Some("terminated"));
    assert_eq!(lab.appliance.alarms().len(), 1);
    assert_eq!(lab.ssh(&["true"]).await.status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_exchanged_anew_in_the_middle_of_a_transfer() {
    let lab = Lab::start(|_| {}).await;
    let bytes = noise_file(&lab.path("big"), 20_000_000);
    let mut command = lab.client("ssh", USER, USER_PASSWORD);
    command
        .args(["-oRekeyLimit=1M", "127.0.0.1", "cat"])
        .stdin(std::fs::File::open(lab.path("big")).unwrap());
    let output = command.output().await.unwrap();
    assert!(output.status.success() && output.stdout == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_program_and_is_told() {
    let lab = Lab::start(|_| {}).await;
    let said = lab.ssh(&["kill -TERM $$"]).await;
    assert_eq!(said.status, Some(255), "{said:?}");
    let kept = lab.appliance.ended(0).await;
    let ended = kept.events.iter().any(|event| {
        matches!(&event.what, sps_proxy_ssh::What::Exit { signal: Some(signal), .. } if signal == "TERM")
    });
    assert!(ended, "{:?}", kept.events);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_asks_and_nobody_can_follow_closes_the_channel() {
    let lab = Lab::start(|settings| {
        for line in settings.channels() {
            match line.kind.as_str() {
                "scp" | "sftp" => line.operations = vec!["read".into()],
                _ => {}
            }
        }
    })
    .await;
    let file = lab.server.home().join("brought");
    noise_file(&lab.path("small"), 10);
    for legacy in ["-O", "-s"] {
        let mut up = lab.client("scp", USER, USER_PASSWORD);
        let there = format!("127.0.0.1:{}", file.display());
        up.args([legacy, "-q"]).arg(lab.path("small")).arg(there);
        assert!(!up.output().await.unwrap().status.success());
        assert!(!file.exists());
    }
}
