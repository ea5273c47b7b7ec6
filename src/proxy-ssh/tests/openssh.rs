//! OpenSSH's client, the proxy, OpenSSH's server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod common;

use common::{Lab, Said, USER, USER_PASSWORD, noise_file};
use tokio::io::AsyncWriteExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_and_its_status_and_streams_come_back() {
    let lab = Lab::start(|_| {}).await;
    let said = lab.ssh(&["echo out; echo err >&2; exit 7"]).await;
    assert_eq!(
        (said.status, said.out.as_str(), said.err.as_str()),
        (Some(7), "out\n", "err\n")
    );
    let kept = lab.appliance.ended(0).await;
    assert_eq!(kept.verdict, Some("accept"));
    assert_eq!(
        kept.opened(),
        [("session-exec", "echo out; echo err >&2; exit 7".to_owned())]
    );
    assert_eq!(kept.output(), b"out\nerr\n");
    assert_eq!(kept.facts.server_user.as_deref(), Some(USER));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_has_a_terminal() {
    let lab = Lab::start(|_| {}).await;
    let mut command = lab.client("ssh", USER, USER_PASSWORD);
    command
        .args(["-tt", "127.0.0.1"])
        .stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut typed = child.stdin.take().unwrap();
    typed
        .write_all(b"stty size; echo $((6*7)); exit 3\n")
        .await
        .unwrap();
    let said = Said::from(child.wait_with_output().await.unwrap());
    assert_eq!(said.status, Some(3), "{said:?}");
    assert!(said.out.contains("42"), "{said:?}");
    let kept = lab.appliance.ended(0).await;
    assert_eq!(kept.opened(), [("session-shell", String::new())]);
    assert!(kept.input().starts_with(b"stty size"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_lets_nobody_in() {
    let lab = Lab::start(|_| {}).await;
    let mut command = lab.client("ssh", USER, "wrong");
    command.args(["127.0.0.1", "true"]);
    let said = Said::from(command.output().await.unwrap());
    assert_eq!(said.status, Some(255), "{said:?}");
    assert_eq!(lab.appliance.ended(0).await.verdict, Some("auth-fail"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_both_ways_by_scp_and_sftp() {
    let lab = Lab::start(|_| {}).await;
    let bytes = noise_file(&lab.path("big"), 5_000_001);
    let home = lab.server.home();
    for (round, legacy) in ["-O", "-s"].into_iter().enumerate() {
        let there = format!("127.0.0.1:{}/up{round}", home.display());
        let mut up = lab.client("scp", USER, USER_PASSWORD);
        up.args([legacy, "-q"]).arg(lab.path("big")).arg(&there);
        let said = Said::from(up.output().await.unwrap());
        assert_eq!(said.status, Some(0), "{legacy}: {said:?}");
        assert!(std::fs::read(home.join(format!("up{round}"))).unwrap() == bytes);
        let mut down = lab.client("scp", USER, USER_PASSWORD);
        down.args([legacy, "-q", &there]).arg(lab.path("back"));
        let said = Said::from(down.output().await.unwrap());
        assert_eq!(said.status, Some(0), "{legacy}: {said:?}");
        assert!(std::fs::read(lab.path("back")).unwrap() == bytes);
    }
    let mut kinds = Vec::new();
    for number in 0..4 {
        kinds.push(lab.appliance.ended(number).await.opened()[0].0);
    }
    assert_eq!(
        kinds,
        [
            "session-exec-scp",
            "session-exec-scp",
            "session-sftp",
            "session-sftp"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn both_directions_busy_and_a_slow_reader_do_not_stand_still() {
    let lab = Lab::start(|_| {}).await;
    let bytes = noise_file(&lab.path("big"), 40_000_000);
    // What goes up comes back down, and is taken slower than it comes.
    let mut command = lab.client("ssh", USER, USER_PASSWORD);
    command
        .args(["127.0.0.1", "cat"])
        .stdin(std::fs::File::open(lab.path("big")).unwrap());
    let mut child = command.spawn().unwrap();
    let mut from = child.stdout.take().unwrap();
    let mut back = Vec::new();
    let mut piece = vec![0; 256 * 1024];
    loop {
        let count = tokio::io::AsyncReadExt::read(&mut from, &mut piece)
            .await
            .unwrap();
        if count == 0 {
            break;
        }
        back.extend_from_slice(&piece[..count]);
        tokio::task::yield_now().await;
    }
    assert!(back == bytes, "{} of {} bytes came back", back.len(), bytes.len());
    let kept = lab.appliance.ended(0).await;
    assert!(kept.output() == bytes && kept.input() == bytes);
}
