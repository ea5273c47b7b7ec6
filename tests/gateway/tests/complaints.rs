//! What people complain of at gateways of this kind, each as a test of its own. Which these are, and what does not fit into a test,
//! stands in `COMPLAINTS.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use sps_cluster_config::Cluster;
use sps_cluster_config::sections::policies::{
    AuditPolicy, ContentAction, ContentEvent, ContentKind, ContentPolicy,
};
use sps_gateway_tests::laboratory::Laboratory;
use sps_gateway_tests::policies;
use sps_harness::Sshd;
use sps_session_record::{Event, SessionRecord, Word};
use sps_sessions::{Filter, Search, Sort};
use sps_trail::{Kind, Playback, PrivateKey, State};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(60);

async fn said(command: &mut Command) -> Output {
    timeout(WITHIN, command.output()).await.expect("in time").unwrap()
}

async fn run(laboratory: &Laboratory, command: &str) -> Output {
    said(laboratory.client("ssh").unwrap().args(["127.0.0.1", command])).await
}

/// All sessions, the earliest first, once each has its end.
async fn ended(laboratory: &Laboratory) -> Vec<SessionRecord> {
    let mut changes = laboratory.running.live.changes();
    let gone = changes.wait_for(|_| laboratory.running.live.count() == 0);
    timeout(WITHIN, gone).await.expect("in time").unwrap();
    let sessions = laboratory.running.folder.database();
    let mut records: Vec<_> = sessions.records().map(Result::unwrap).collect();
    records.sort_by_key(|record| record.start);
    records
}

fn path(laboratory: &Laboratory, record: &SessionRecord) -> PathBuf {
    let name = &record.trail.as_ref().unwrap().name;
    laboratory.path("data/trails").join(name)
}

/// What a trail holds, opened with these keys.
fn events(laboratory: &Laboratory, record: &SessionRecord, keys: Vec<PrivateKey>) -> Vec<Kind<'static>> {
    let mut playback = Playback::new(None, keys);
    let mut found = Vec::new();
    for piece in fs::read(path(laboratory, record)).unwrap().chunks(1 << 16) {
        playback.push(piece);
        while let Some(event) = playback.next().unwrap() {
            found.push(event.kind);
        }
    }
    assert_eq!(playback.report().state, State::Complete);
    found
}

fn output(events: &[Kind<'static>]) -> Vec<u8> {
    let data = events.iter().filter_map(|event| match event {
        Kind::Output { data, .. } => Some(&**data),
        _ => None,
    });
    data.collect::<Vec<_>>().concat()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn of_kind<'a>(record: &'a SessionRecord, kind: &Word) -> Vec<&'a str> {
    let of_kind = |event: &&'a Event| event.kind == *kind;
    record
        .events
        .iter()
        .filter(of_kind)
        .map(|event| &*event.text)
        .collect()
}

/// A shell on a terminal, as somebody sits before it.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
}

impl Terminal {
    async fn open(laboratory: &Laboratory) -> Self {
        let mut ssh = laboratory.client("ssh").unwrap();
        ssh.args([
            "-tt",
            "127.0.0.1",
            "stty cols 80 rows 24; PS1='ready> ' exec bash --norc -i",
        ]);
        let mut child = ssh.stderr(Stdio::null()).spawn().unwrap();
        let (keys, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut terminal = Self { child, keys, screen };
        terminal.until("ready> ").await;
        terminal
    }

    async fn send(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).await.unwrap();
        self.keys.flush().await.unwrap();
    }

    async fn until(&mut self, words: &str) {
        let mut seen = Vec::new();
        let reading = async {
            let mut piece = [0; 4096];
            while !contains(&seen, words) {
                let length = self.screen.read(&mut piece).await.unwrap();
                assert_ne!(length, 0, "it ended: {}", String::from_utf8_lossy(&seen));
                seen.extend_from_slice(&piece[..length]);
            }
        };
        timeout(WITHIN, reading).await.expect("in time");
    }

    async fn run(&mut self, line: &str) {
        self.send(line).await;
        self.send("\r").await;
        self.until("ready> ").await;
    }

    /// Nothing but its end is still to come.
    async fn gone(mut self) {
        let mut seen = Vec::new();
        let reading = self.screen.read_to_end(&mut seen);
        assert!(
            timeout(WITHIN, reading).await.is_ok(),
            "it goes on: {}",
            String::from_utf8_lossy(&seen)
        );
        timeout(WITHIN, self.child.wait())
            .await
            .expect("in time")
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forwards_commands_and_nested_sessions_do_not_bypass_the_recording() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    run(&laboratory, "echo by command").await;
    // A second SSH connection in a forward of the first.
    let hop = laboratory.client("ssh").unwrap();
    let words = hop.as_std().get_args().map(|word| word.to_str().unwrap());
    let hop = std::iter::once("ssh").chain(words).collect::<Vec<_>>().join(" ");
    let port = laboratory.server.port();
    let mut nested = laboratory.client("ssh").unwrap();
    nested
        .arg(format!("-oProxyCommand={hop} -W 127.0.0.1:{port} 127.0.0.1"))
        .args(["-oHostKeyAlias=nested", "127.0.0.1", "echo nested"]);
    assert_eq!(said(&mut nested).await.stdout, b"nested\n");
    // And one in a command that carries bytes to and fro.
    let bridge = laboratory.server.home().join("bridge");
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; cat <&3 & exec cat >&3\n");
    fs::write(bridge, script).unwrap();
    let mut by_command = laboratory.client("ssh").unwrap();
    by_command
        .arg(format!("-oProxyCommand={hop} 127.0.0.1 exec bash bridge"))
        .args(["-oHostKeyAlias=nested", "127.0.0.1", "echo nested"]);
    let nested = said(&mut by_command).await;
    assert_eq!(nested.stdout, b"nested\n", "{nested:?}");

    let records = ended(&laboratory).await;
    let [command, forward, inside] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(of_kind(command, &Word::COMMAND), ["echo by command"]);
    assert!(contains(
        &output(&events(&laboratory, command, vec![])),
        "by command"
    ));
    assert_eq!(forward.channels[0].kind.as_str(), "local-forward");
    let passed = output(&events(&laboratory, forward, vec![]));
    assert!(
        contains(&passed, "SSH-2.0-OpenSSH"),
        "what passed a forward is recorded"
    );
    for record in [forward, inside] {
        let alerts = of_kind(record, &Word::ALERT);
        let told = alerts
            .iter()
            .any(|text| text.contains("an SSH connection inside this channel begins (SSH-2.0-OpenSSH"));
        assert!(told, "{alerts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_sessions_end_before_they_begin_where_the_policy_says_so() {
    let laboratory = Laboratory::start(|document| {
        for line in document.connections.ssh.channel_policies.get_mut("all").unwrap() {
            line.refuse_nested_ssh = true;
        }
    })
    .unwrap();
    let hop = laboratory.client("ssh").unwrap();
    let words = hop.as_std().get_args().map(|word| word.to_str().unwrap());
    let hop = std::iter::once("ssh").chain(words).collect::<Vec<_>>().join(" ");
    let port = laboratory.server.port();
    let mut nested = laboratory.client("ssh").unwrap();
    nested
        .arg(format!("-oProxyCommand={hop} -W 127.0.0.1:{port} 127.0.0.1"))
        .args(["-oHostKeyAlias=nested", "127.0.0.1", "echo nested"]);
    let output = said(&mut nested).await;
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    let records = ended(&laboratory).await;
    let alerts = of_kind(&records[0], &Word::ALERT);
    assert!(
        alerts.iter().any(|text| text.ends_with(", and was closed")),
        "{alerts:?}"
    );
    assert!(run(&laboratory, "true").await.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_listed_and_found() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let mut terminal = Terminal::open(&laboratory).await;
    terminal.run("echo first").await;
    // Mended while it was typed: what ran counts.
    terminal.run("ecko\x7f\x7fho second").await;
    terminal.send("exit\r").await;
    terminal.gone().await;
    run(&laboratory, "echo third").await;
    let records = ended(&laboratory).await;
    let commands = of_kind(&records[0], &Word::COMMAND);
    assert!(
        commands.ends_with(&["echo first", "echo second", "exit"]),
        "{commands:?}"
    );
    let sessions = laboratory.running.folder.database();
    for (words, id) in [("echo second", &records[0].id), ("echo third", &records[1].id)] {
        let search = Search {
            filter: Filter {
                text: Some(words.into()),
                ..Filter::default()
            },
            sort: Sort::default(),
            limit: 10,
            cursor: None,
            time_limit: WITHIN,
        };
        let found = sessions.page(&search).unwrap();
        let ids: Vec<_> = found.sessions.iter().map(|session| &session.id).collect();
        assert_eq!(ids, [id], "{words}");
    }
}

fn forbids_rm(document: &mut Cluster) {
    let event = ContentEvent {
        kind: ContentKind::Commands,
        matches: vec![r"\brm\b".into()],
        ignores: vec![],
        actions: vec![ContentAction::Terminate],
    };
    let policy = ContentPolicy { events: vec![event] };
    document.policies.content.insert("no rm".into(), policy);
    for line in document.connections.ssh.channel_policies.get_mut("all").unwrap() {
        if line.kind == "shell" || line.kind == "exec" {
            line.content_policy = Some("no rm".into());
        }
    }
}

/// More ways around, each a test, are in `proxy-ssh/tests/commands.rs`.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_chains_and_scripts_do_not_bypass_the_filter() {
    let laboratory = Laboratory::start(forbids_rm).unwrap();
    let kept = laboratory.server.home().join("kept");
    fs::write(&kept, "kept").unwrap();
    for keys in [
        "echo nothing\x03rm kept\r",
        "true;rm kept\r",
        "bash -c 'rm kept'\r",
        "echo 'rm kept' | sh\r",
    ] {
        let mut terminal = Terminal::open(&laboratory).await;
        terminal.send(keys).await;
        terminal.gone().await;
        assert!(kept.exists(), "{keys:?}");
    }
    for command in ["rm kept", "true;rm kept", "bash -c 'rm kept'"] {
        assert!(!run(&laboratory, command).await.status.success());
        assert!(kept.exists(), "{command}");
    }
    let records = ended(&laboratory).await;
    assert_eq!(records.len(), 7);
    assert!(records.iter().all(|record| record.verdict == Word::TERMINATED));
}

/// How much they cost beside a plain hop is measured by `cargo xtask bench gateway`.
#[tokio::test(flavor = "multi_thread")]
async fn copies_by_scp_and_sftp_are_whole_both_ways() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let mut bytes = vec![0; 64 << 20];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes))
        .unwrap();
    fs::write(laboratory.path("up"), &bytes).unwrap();
    for legacy in [false, true] {
        let there = format!("127.0.0.1:{}/copy", laboratory.server.home().display());
        let (up, down) = (laboratory.path("up"), laboratory.path("down"));
        for (from, to) in [(up.to_str().unwrap(), &*there), (&*there, down.to_str().unwrap())] {
            let mut scp = laboratory.client("scp").unwrap();
            let output = said(scp.args(legacy.then_some("-O")).args([from, to])).await;
            assert!(output.status.success(), "{output:?}");
        }
        assert!(fs::read(&down).unwrap() == bytes, "legacy {legacy}");
        fs::remove_file(&down).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_on_files_is_listed() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let batch = laboratory.path("batch");
    fs::write(laboratory.path("file"), "content").unwrap();
    let file = laboratory.path("file").display().to_string();
    fs::write(&batch, format!("mkdir folder\nput {file} folder/new\nrename folder/new folder/old\nget folder/old {file}\nrm folder/old\nrmdir folder\n")).unwrap();
    let mut sftp = laboratory.client("sftp").unwrap();
    let output = said(sftp.args(["-oBatchMode=no", "-b"]).arg(&batch).arg("127.0.0.1")).await;
    assert!(output.status.success(), "{output:?}");
    let records = ended(&laboratory).await;
    let done: Vec<_> = events(&laboratory, &records[0], vec![])
        .into_iter()
        .filter_map(|event| match event {
            Kind::File {
                operation,
                path,
                bytes,
                result,
            } => Some((
                operation.into_owned(),
                String::from_utf8(path.into_owned()).unwrap(),
                bytes,
                result.into_owned(),
            )),
            _ => None,
        })
        .collect();
    for (word, name, size) in [("write", "folder/new", 7), ("read", "folder/old", 7)] {
        let found = done.iter().any(|(operation, path, bytes, result)| {
            operation.contains(word) && path.contains(name) && *bytes == size && result == "ok"
        });
        assert!(found, "{word} {name}: {done:?}");
    }
    let listed = of_kind(&records[0], &Word::FILE_TRANSFER);
    for name in ["folder", "folder/new", "folder/old"] {
        assert!(
            listed.iter().any(|path| path.ends_with(name)),
            "{name}: {listed:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trails_tell_nothing_without_the_key_and_everything_with_it() {
    let keys = tempfile::tempdir().unwrap();
    let certificate = fs::read_to_string(policies::certificate(keys.path()).unwrap()).unwrap();
    let laboratory = Laboratory::start(|document| {
        let trails = AuditPolicy {
            encryption: vec![certificate],
            ..AuditPolicy::default()
        };
        document.policies.audit = [("trails".to_owned(), trails)].into();
    })
    .unwrap();
    let secret = "a-word-that-stands-nowhere-else";
    run(&laboratory, &format!("echo {secret}")).await;
    let records = ended(&laboratory).await;
    let bytes = fs::read(path(&laboratory, &records[0])).unwrap();
    assert!(!contains(&bytes, secret));
    assert!(!contains(&bytes, Sshd::PASSWORD));
    let mut closed = Playback::new(None, vec![]);
    closed.push(&bytes);
    assert!(closed.next().is_err(), "it opens without a key");
    let key = PrivateKey::from_pem(&fs::read(keys.path().join("key")).unwrap()).unwrap();
    let opened = output(&events(&laboratory, &records[0], vec![key]));
    assert!(contains(&opened, secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_opens_with_its_own_key_alone() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let pem = |folder: &tempfile::TempDir| {
        fs::read_to_string(policies::certificate(folder.path()).unwrap()).unwrap()
    };
    let [shown, typed] = &folders;
    let laboratory = Laboratory::start(|document| {
        let trails = AuditPolicy {
            encryption: vec![pem(shown)],
            upstream_encryption: vec![pem(typed)],
            ..AuditPolicy::default()
        };
        document.policies.audit = [("trails".to_owned(), trails)].into();
    })
    .unwrap();
    let mut ssh = laboratory.client("ssh").unwrap();
    let mut ssh = ssh
        .args(["127.0.0.1", "cat > /dev/null; echo shown"])
        .spawn()
        .unwrap();
    let mut keys = ssh.stdin.take().unwrap();
    keys.write_all(b"typed words").await.unwrap();
    drop(keys);
    assert!(
        timeout(WITHIN, ssh.wait())
            .await
            .expect("in time")
            .unwrap()
            .success()
    );
    let records = ended(&laboratory).await;
    let key = |folder: &tempfile::TempDir| {
        PrivateKey::from_pem(&fs::read(folder.path().join("key")).unwrap()).unwrap()
    };
    let input = |events: &[Kind<'static>]| {
        events
            .iter()
            .any(|event| matches!(event, Kind::Input { data } if contains(data, "typed words")))
    };
    let by_one = events(&laboratory, &records[0], vec![key(shown)]);
    assert!(contains(&output(&by_one), "shown") && !input(&by_one));
    let by_both = events(&laboratory, &records[0], vec![key(shown), key(typed)]);
    assert!(contains(&output(&by_both), "shown") && input(&by_both));
}
