//! Trails with timestamps of an authority (RFC 3161), and sessions whose authority is no help.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use sps_cluster_config::Cluster;
use sps_cluster_config::sections::policies::TimestampAuthority as Settings;
use sps_gateway::{Ground as _, Live};
use sps_gateway_tests::laboratory::Laboratory;
use sps_gateway_tests::policies::free_port;
use sps_harness::{Served, TimestampAuthority, TimestampServer, TsaCertificate};
use sps_timestamp::{Authority, judge};
use sps_trail::{Item, Kind, Playback, Reader, State};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(60);

/// What a server does with a request.
type Serving = Box<dyn Fn(&[u8]) -> Served + Send + Sync>;

/// Every ten seconds, the least.
fn stamped(url: String, authority: &TimestampAuthority) -> impl FnOnce(&mut Cluster) {
    let certificates = vec![authority.ca().unwrap()];
    move |document| {
        let policy = document.policies.audit.get_mut("trails").unwrap();
        policy.timestamp_seconds = Some(10);
        policy.timestamp_authority = Some(Settings {
            url,
            policy: None,
            certificates,
        });
    }
}

fn good() -> Arc<TimestampAuthority> {
    Arc::new(TimestampAuthority::new(TsaCertificate::Good).unwrap())
}

/// Waits for requests without holding up anything else.
async fn requests(server: &Arc<TimestampServer>, count: usize) {
    let server = server.clone();
    spawn_blocking(move || server.wait(count, WITHIN))
        .await
        .unwrap()
        .unwrap();
}

/// A session that says `one`, waits for a line, and says `two`.
fn session(laboratory: &Laboratory) -> Child {
    let mut ssh = laboratory.client("ssh").unwrap();
    ssh.args(["127.0.0.1", "echo one; read line; echo two $line"])
        .spawn()
        .unwrap()
}

async fn says_one(ssh: &mut Child) {
    let mut said = [0; 4];
    let out = ssh.stdout.as_mut().unwrap();
    timeout(WITHIN, out.read_exact(&mut said)).await.unwrap().unwrap();
    assert_eq!(&said, b"one\n");
}

async fn ends(mut ssh: Child) -> Output {
    ssh.stdin.take().unwrap().write_all(b"three\n").await.unwrap();
    timeout(WITHIN, ssh.wait_with_output()).await.unwrap().unwrap()
}

/// The bytes of the one trail, when its session has ended.
async fn trail(laboratory: &Laboratory, id: &str) -> Vec<u8> {
    let live = &laboratory.running.live;
    let mut changes = live.changes();
    let over = async {
        while !live.list().is_empty() {
            changes.changed().await.unwrap();
        }
    };
    timeout(WITHIN, over).await.expect("in time");
    let folder = &laboratory.running.folder;
    std::fs::read(folder.trails().join(folder.trail_name(id).unwrap())).unwrap()
}

fn id(live: &Live) -> String {
    live.list().first().unwrap().id.clone()
}

/// Texts of notes.
fn notes(trail: &[u8]) -> Vec<String> {
    let mut playback = Playback::new(None, Vec::new());
    playback.push(trail);
    let mut found = Vec::new();
    while let Some(event) = playback.next().unwrap() {
        if let Kind::Note { text } = event.kind {
            found.push(text.into_owned());
        }
    }
    assert_eq!(playback.report().state, State::Complete);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_has_timestamps_that_verify() {
    let authority = good();
    let answering = authority.clone();
    let server =
        TimestampServer::start(move |request| Served::Answer(answering.reply(request).unwrap_or_default()));
    let server = Arc::new(server.unwrap());
    let laboratory = Laboratory::start(stamped(server.url(), &authority)).unwrap();
    let mut ssh = session(&laboratory);
    says_one(&mut ssh).await;
    let id = id(&laboratory.running.live);
    requests(&server, 1).await;
    let output = ends(ssh).await;
    assert_eq!(output.stdout, b"two three\n");
    let trail = trail(&laboratory, &id).await;
    assert_eq!(server.requests(), 2, "one in the session, one at its end");

    let trusted = Authority::from_pem([authority.ca().unwrap().as_bytes()]).unwrap();
    let mut reader = Reader::new(None);
    reader.push(&trail);
    let (mut seals, mut times) = (Vec::new(), Vec::new());
    while let Some(item) = reader.next() {
        match item {
            Item::Seal { signature, time, .. } => seals.push((signature, time)),
            Item::Timestamp { about, token } => {
                let (signature, time) = seals.last().unwrap();
                std::fs::write(laboratory.path("token"), &token).unwrap();
                std::fs::write(laboratory.path("content"), signature).unwrap();
                authority
                    .verify(&laboratory.path("token"), &laboratory.path("content"))
                    .unwrap();
                let stamp = judge(&token, &about, &trusted).unwrap();
                assert!((stamp.time - time).abs() < 5000, "{stamp:?} {time}");
                times.push(stamp.time);
            }
            _ => {}
        }
    }
    assert_eq!(reader.report().state, State::Complete);
    assert_eq!(times.len(), 2);
    assert!(notes(&trail).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_unharmed_while_its_authority_is_silent() {
    let authority = good();
    let server = Arc::new(TimestampServer::start(|_| Served::Silence).unwrap());
    let laboratory = Laboratory::start(stamped(server.url(), &authority)).unwrap();
    let mut ssh = session(&laboratory);
    says_one(&mut ssh).await;
    let id = id(&laboratory.running.live);
    // It is asked, and does not answer: the session goes on at once.
    requests(&server, 1).await;
    let output = timeout(Duration::from_secs(3), ends(ssh)).await.unwrap();
    assert_eq!(output.stdout, b"two three\n");
    let trail = trail(&laboratory, &id).await;
    let notes = notes(&trail);
    let expected = "it did not answer before the session's trail was closed";
    assert!(
        matches!(&notes[..], [note] if note.contains(expected)),
        "{notes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_authority_is_told_in_the_trail_and_harms_nothing() {
    let authority = good();
    let url = format!("http://127.0.0.1:{}/", free_port().unwrap());
    let laboratory = Laboratory::start(stamped(url.clone(), &authority)).unwrap();
    for _ in 0..2 {
        let mut ssh = session(&laboratory);
        says_one(&mut ssh).await;
        let id = id(&laboratory.running.live);
        assert_eq!(ends(ssh).await.stdout, b"two three\n");
        let notes = notes(&trail(&laboratory, &id).await);
        let expected = format!("no timestamp of {url}: could not connect");
        assert!(
            matches!(&notes[..], [note] if note.starts_with(&expected)),
            "{notes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_answers_are_told_in_the_trail_and_not_kept() {
    let (authority, foreign) = (good(), good());
    let expired = Arc::new(TimestampAuthority::new(TsaCertificate::Expired).unwrap());
    let well = authority.reply(&[]).unwrap_or_default();
    let strange = foreign.clone();
    let late = expired.clone();
    let cases: [(Serving, &TimestampAuthority, &str); 6] = [
        (
            Box::new(|_| Served::Answer(b"garbage".to_vec())),
            &authority,
            "none of an authority",
        ),
        (Box::new(|_| Served::Status(500)), &authority, "answered 500"),
        (Box::new(|_| Served::Endless), &authority, "more than 65536 bytes"),
        (
            Box::new(move |_| Served::Answer(well.clone())),
            &authority,
            "it refuses",
        ),
        (
            Box::new(move |request| Served::Answer(strange.reply(request).unwrap_or_default())),
            &authority,
            "does not lead to the CA",
        ),
        (
            Box::new(move |request| Served::Answer(late.reply(request).unwrap_or_default())),
            &expired,
            "was not valid at the time",
        ),
    ];
    for (serve, trusted, words) in cases {
        let server = TimestampServer::start(serve).unwrap();
        let laboratory = Laboratory::start(stamped(server.url(), trusted)).unwrap();
        let mut ssh = session(&laboratory);
        says_one(&mut ssh).await;
        let id = id(&laboratory.running.live);
        assert_eq!(ends(ssh).await.stdout, b"two three\n", "{words}");
        let trail = trail(&laboratory, &id).await;
        let notes = notes(&trail);
        assert!(
            matches!(&notes[..], [note] if note.contains(words)),
            "{words}: {notes:?}"
        );
        let mut reader = Reader::new(None);
        reader.push(&trail);
        while reader.next().is_some() {}
        assert_eq!(reader.report().timestamps, 0);
    }
}
