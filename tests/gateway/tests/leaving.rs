//! How sessions end when the appliance leaves, and who is let in: by OpenSSH's client, with a store and trails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use std::fs;
use std::process::Output;
use std::time::{Duration, Instant};

use sps_gateway::{Active, Live};
use sps_gateway_tests::laboratory::Laboratory;
use sps_harness::Sshd;
use sps_proxy_ssh::{Departure, Leaving, Limits, Memory};
use sps_session_record::{SessionRecord, Word};
use sps_trail::{Kind, Playback, State};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(60);
/// What runs until somebody types a line.
const WAITS: &str = "echo there; read line; echo gone";

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

/// What `wanted` is in, line by line.
async fn line_with(from: impl AsyncRead + Unpin, wanted: &str) -> String {
    let mut lines = BufReader::new(from).lines();
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(wanted) {
                return line;
            }
        }
        panic!("it ended without {wanted:?}");
    };
    timeout(WITHIN, found).await.expect("in time")
}

async fn ended(child: Child) -> Output {
    timeout(WITHIN, child.wait_with_output())
        .await
        .expect("in time")
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn record(laboratory: &Laboratory, id: &str) -> SessionRecord {
    laboratory.running.folder.database().get(id).unwrap().unwrap()
}

/// How a session's trail says that it ended, and the notes in it. It is whole, and verifies.
fn trail(laboratory: &Laboratory, id: &str) -> (Word, String, Vec<String>) {
    let mut playback = Playback::new(None, Vec::new());
    let path = laboratory.path("data").join("trails").join(format!("{id}.zat"));
    playback.push(&fs::read(path).unwrap());
    let mut notes = Vec::new();
    while let Some(event) = playback.next().unwrap() {
        if let Kind::Note { text } = event.kind {
            notes.push(text.into_owned());
        }
    }
    let report = playback.report();
    assert_eq!(report.state, State::Complete);
    let ending = report.ending.unwrap();
    (ending.verdict, ending.reason, notes)
}

/// Waits until a session's recording is closed.
async fn closed(laboratory: &Laboratory, id: &str) {
    until(&laboratory.running.live, |list| {
        list.iter().all(|one| one.id != id)
    })
    .await;
}

fn departure(seconds: u64) -> Departure {
    Departure {
        leaving: Leaving::Restart,
        grace: Duration::from_secs(seconds),
        tells: true,
    }
}

/// A session that goes on, and its identifier.
async fn going(laboratory: &Laboratory, arguments: &[&str]) -> (Child, String) {
    let live = laboratory.running.live.clone();
    let before: Vec<String> = live.list().into_iter().map(|one| one.id).collect();
    let mut ssh = laboratory.client("ssh").unwrap();
    let ssh = ssh.arg("127.0.0.1").args(arguments).spawn().unwrap();
    let is_new = |one: &Active| one.channels == 1 && !before.contains(&one.id);
    let list = until(&live, |list| list.iter().any(is_new)).await;
    let new = list.into_iter().find(is_new).unwrap();
    (ssh, new.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_of_a_restart_in_their_terminals_and_then_their_sessions_end_in_order() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let (mut person, of_person) = going(&laboratory, &["-tt", WAITS]).await;
    let (program, of_program) = going(&laboratory, &[WAITS]).await;
    let mut seen = Vec::new();
    let leaving = laboratory
        .running
        .proxy
        .leave(departure(4), |state| seen.push(state));
    let meanwhile = async {
        let line = line_with(person.stdout.take().unwrap(), "restarts in").await;
        assert!(
            line.contains(
                "This appliance restarts in 4 seconds. Save your work and log out: the session ends then."
            ),
            "{line}"
        );
        // Whoever comes now hears why not, whatever the client.
        let mut late = laboratory.client("ssh").unwrap();
        let late = ended(late.args(["127.0.0.1", "true"]).spawn().unwrap()).await;
        assert_eq!(late.status.code(), Some(255));
        assert!(
            told(&late).contains("this appliance restarts: it takes no new sessions; try again later"),
            "{}",
            told(&late)
        );
    };
    tokio::join!(leaving, meanwhile);
    assert!(
        seen.iter()
            .any(|state| state.open == 2 && state.left > Duration::ZERO),
        "{seen:?}"
    );
    let (person, program) = (ended(person).await, ended(program).await);
    for output in [&person, &program] {
        assert_eq!(output.status.code(), Some(255));
        let text = told(output);
        assert!(
            text.contains("this appliance restarts and ended the session"),
            "{text}"
        );
    }
    assert_eq!(program.stdout, b"there\n", "a program read what is for people");
    for (id, notes) in [(of_person, 1), (of_program, 0)] {
        let record = record(&laboratory, &id);
        assert!(
            record.verdict == Word::TERMINATED && record.end.is_some(),
            "{record:?}"
        );
        let why = "this appliance restarts and ended the session";
        assert!(record.events.iter().any(|event| event.text == why), "{record:?}");
        let (verdict, reason, told) = trail(&laboratory, &id);
        assert_eq!((verdict, reason.as_str()), (Word::TERMINATED, why));
        let told: Vec<_> = told
            .iter()
            .filter(|note| note.contains("restarts in 4 seconds"))
            .collect();
        assert_eq!(told.len(), notes, "{told:?}");
    }
    // Nothing is left that another start would find interrupted.
    assert!(
        laboratory
            .running
            .folder
            .database()
            .unfinished(10)
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logs_out_in_time_was_not_ended_and_nobody_waits_for_the_rest_of_the_time() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let (mut person, id) = going(&laboratory, &["-tt", WAITS]).await;
    let begun = Instant::now();
    let mut typed = person.stdin.take().unwrap();
    let meanwhile = async {
        line_with(person.stdout.take().unwrap(), "restarts in").await;
        typed.write_all(b"\n").await.unwrap();
    };
    tokio::join!(laboratory.running.proxy.leave(departure(300), |_| {}), meanwhile);
    assert!(begun.elapsed() < WITHIN);
    assert!(ended(person).await.status.success());
    assert_eq!(record(&laboratory, &id).verdict, Word::ACCEPT);
    assert_eq!(trail(&laboratory, &id).0, Word::ACCEPT);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_grace_sessions_end_at_once_with_the_same_words() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let (person, id) = going(&laboratory, &["-tt", WAITS]).await;
    let departure = Departure {
        leaving: Leaving::PowerOff,
        ..departure(0)
    };
    laboratory.running.proxy.leave(departure, |_| {}).await;
    let text = told(&ended(person).await);
    assert!(
        text.contains("this appliance is switched off and ended the session"),
        "{text}"
    );
    assert!(!text.contains("seconds"), "{text}");
    assert_eq!(trail(&laboratory, &id).0, Word::TERMINATED);
}

/// By clients of three houses.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_beyond_a_limit_hears_which() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let proxy = &laboratory.running.proxy;
    proxy.limit(Limits {
        of_one_client: 1,
        ..Limits::default()
    });
    let (person, _) = going(&laboratory, &["-tt", WAITS]).await;
    let of_one = "as many sessions are open from your address as one may have";
    let mut ssh = laboratory.client("ssh").unwrap();
    let said = told(&ended(ssh.args(["127.0.0.1", "true"]).spawn().unwrap()).await);
    assert!(said.contains(of_one), "{said}");
    let mut dropbear = Command::new("dbclient");
    let port = laboratory.running.address.port().to_string();
    let dropbear = dropbear
        .env("HOME", laboratory.path(""))
        .args(["-y", "-y", "-p", &port, "-l", Sshd::USER, "127.0.0.1", "true"])
        .stdin(std::process::Stdio::null())
        .output();
    let said = told(&timeout(WITHIN, dropbear).await.expect("in time").unwrap());
    // It keeps the words of a server for itself, and says who it was that ended it.
    assert!(said.contains("Disconnect received"), "{said}");
    let script = format!(
        "import socket, paramiko\ntry:\n    paramiko.Transport(('127.0.0.1', {port})).start_client(timeout=20)\nexcept Exception as e:\n    print(e)"
    );
    let mut python = Command::new("/usr/bin/python3");
    let python = python.args(["-c", &script]).output();
    let said = told(&timeout(WITHIN, python).await.expect("in time").unwrap());
    assert!(!said.is_empty() && !said.contains("Timeout"), "{said}");
    proxy.limit(Limits {
        sessions: 1,
        ..Limits::default()
    });
    let mut ssh = laboratory.client("ssh").unwrap();
    let said = told(&ended(ssh.args(["127.0.0.1", "true"]).spawn().unwrap()).await);
    assert!(
        said.contains("as many sessions are open as this appliance may have"),
        "{said}"
    );
    let counts = laboratory.running.meter.counts();
    assert!(
        counts.refused.contains(&("client", 3)) && counts.refused.contains(&("sessions", 1)),
        "{counts:?}"
    );
    assert!(counts.taken == 1 && counts.logins == 1, "{counts:?}");
    drop(person);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_memory_nobody_comes_in_and_the_youngest_go_until_there_is_some() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let proxy = &laboratory.running.proxy;
    let memory = |available: u64| Memory {
        total: 1000 << 20,
        available: available << 20,
        resident: 50 << 20,
        stalled: 0.0,
    };
    let at = Duration::from_secs;
    assert_eq!(proxy.measured(memory(500), at(0)), 0);
    let (mut oldest, of_oldest) = going(&laboratory, &["-tt", WAITS]).await;
    let (youngest, of_youngest) = going(&laboratory, &["-tt", WAITS]).await;
    assert_eq!(proxy.measured(memory(140), at(1)), 0);
    let mut ssh = laboratory.client("ssh").unwrap();
    let said = told(&ended(ssh.args(["127.0.0.1", "true"]).spawn().unwrap()).await);
    assert!(
        said.contains("this appliance has too little memory left for another session"),
        "{said}"
    );
    assert_eq!(proxy.measured(memory(60), at(2)), 1);
    let said = told(&ended(youngest).await);
    assert!(
        said.contains("ran out of memory and ended the youngest sessions"),
        "{said}"
    );
    closed(&laboratory, &of_youngest).await;
    assert_eq!(trail(&laboratory, &of_youngest).0, Word::TERMINATED);
    // The oldest never heard of it, and with memory there are others again.
    assert_eq!(proxy.measured(memory(500), at(4)), 0);
    let mut ssh = laboratory.client("ssh").unwrap();
    assert!(
        ended(ssh.args(["127.0.0.1", "true"]).spawn().unwrap())
            .await
            .status
            .success()
    );
    oldest.stdin.take().unwrap().write_all(b"\n").await.unwrap();
    assert!(ended(oldest).await.status.success());
    closed(&laboratory, &of_oldest).await;
    assert_eq!(trail(&laboratory, &of_oldest).0, Word::ACCEPT);
    assert_eq!(laboratory.running.meter.counts().shed, 1);
}
