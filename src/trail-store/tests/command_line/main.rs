//! `sps trail` on files: what it prints, what it writes, its exit status.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod timestamps;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use sps_trail::{
    Ending, Event, Exit, Head, Kind, Options, Recipient, Recipients, Seed, SigningKey, Word, Writer,
};
use sps_trail_store::cli::{Follower, TrailCommand, export, replay, verify};

const START: i64 = 1_715_933_730_000;

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: TrailCommand,
}

/// Status, output, errors; in both the folder's name is left out, and columns are two spaces apart.
fn run(folder: &Path, line: &str) -> (u8, String, String) {
    run_with(folder, line, &mut |_| {})
}

fn run_with(folder: &Path, line: &str, pause: &mut dyn FnMut(Duration)) -> (u8, String, String) {
    let words = line.split(' ').map(|word| match word.strip_prefix('@') {
        Some(name) => folder.join(name).display().to_string(),
        None => word.to_owned(),
    });
    let parsed = Line::try_parse_from(std::iter::once("trail".to_owned()).chain(words)).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = match &parsed.command {
        TrailCommand::Verify(arguments) => verify(arguments, &mut out, &mut err),
        TrailCommand::Export(arguments) => export(arguments, &mut out, &mut err),
        TrailCommand::Replay(arguments) => replay(arguments, &mut out, &mut err, pause),
    };
    let text = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        let mut text = text.replace(&format!("{}/", folder.display()), "");
        while text.contains("   ") {
            text = text.replace("   ", "  ");
        }
        text
    };
    (status.unwrap(), text(out), text(err))
}

fn signer() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_secret(&[7; 32]).unwrap())
}

fn trail(session: &str, recipients: &Recipients) -> Vec<u8> {
    let head = Head {
        session: session.into(),
        start: START,
        protocol: Word::SSH,
        connection: "linux".into(),
        facts: vec![],
    };
    let begun = Writer::new(
        &head,
        recipients,
        &signer(),
        &Seed::new([1; 32]),
        Options::default(),
    );
    let (mut writer, mut bytes) = begun.unwrap();
    let kind = Kind::Terminal {
        term: "xterm".into(),
        columns: 40,
        rows: 10,
    };
    let events = [
        Event {
            at: 0,
            channel: 1,
            kind,
        },
        Event::output(1_000_000, 1, b"$ "),
        Event::input(3_000_000, 1, b"id\r"),
        Event::output(3_500_000, 1, b"id\r\nuid=0(root)\r\n"),
        Event::output(90_000_000, 1, b"$ \xff"),
        Event {
            at: 90_500_000,
            channel: 1,
            kind: Kind::Found {
                kind: "alert".into(),
                text: "<script>alert(1)</script>".into(),
            },
        },
        Event {
            at: 91_000_000,
            channel: 1,
            kind: Kind::Exit(Exit::Status(0)),
        },
    ];
    for (now, event) in (START..).step_by(9_000).zip(&events) {
        writer.event(event).unwrap();
        bytes.extend(writer.take(now).unwrap().unwrap());
    }
    let ending = Ending {
        verdict: Word::ACCEPT,
        reason: String::new(),
    };
    bytes.extend(writer.finish(&ending, START + 92_000).unwrap());
    bytes
}

fn openssl(folder: &Path, arguments: &str) {
    let status = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(status.status.success(), "openssl {arguments}");
}

fn somebody(folder: &Path, name: &str) -> Recipient {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -subj /CN={name} -days 2"
        ),
    );
    Recipient::from_pem(&fs::read(folder.join(format!("{name}.pem"))).unwrap()).unwrap()
}

fn lab() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn verify_tells_each_trail_and_the_status_tells_all() {
    let (_folder, path) = lab();
    let whole = trail("ssh-1", &Recipients::default());
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 4;
    fs::write(path.join("whole.trail"), &whole).unwrap();
    fs::write(path.join("cut.trail"), &whole[..whole.len() - 200]).unwrap();
    fs::write(path.join("changed.trail"), changed).unwrap();
    fs::write(path.join("other\x1b[2J.txt"), "text").unwrap();
    let (status, out, _) = run(&path, "verify @whole.trail");
    assert_eq!((status, out.lines().count()), (0, 2));
    let (status, out, err) = run(
        &path,
        "verify @whole.trail @cut.trail @changed.trail @other\x1b[2J.txt",
    );
    assert_eq!((status, err.as_str()), (1, ""));
    insta::assert_snapshot!(out);
    let (status, out, err) = run(&path, "verify @whole.trail @none.trail");
    assert_eq!((status, out.lines().count()), (2, 2));
    assert!(err.starts_with("cannot read none.trail: No such file"), "{err}");
    openssl(
        &path,
        "req -x509 -newkey ed25519 -nodes -keyout s.key -out s.pem -subj /CN=s -days 2",
    );
    let (status, out, _) = run(&path, "verify --signer @s.pem @whole.trail");
    assert!(
        status == 1 && out.contains("signed by another key than expected"),
        "{out}"
    );
    let (status, _, err) = run(&path, "verify --signer @whole.trail @whole.trail");
    assert!(
        status == 2 && err.contains("no public key and no certificate"),
        "{err}"
    );
}

#[test]
fn export_writes_what_the_keys_open() {
    let (_folder, path) = lab();
    let (shown, typed) = (somebody(&path, "shown"), somebody(&path, "typed"));
    let recipients = Recipients {
        downstream: vec![shown],
        upstream: vec![typed],
        ..Recipients::default()
    };
    fs::write(path.join("a.trail"), trail("ssh-1", &recipients)).unwrap();
    let (status, out, err) = run(&path, "export --format text @a.trail");
    assert_eq!((status, out.as_str()), (2, ""));
    assert_eq!(
        err,
        "a.trail: what was shown is encrypted: give the private key of one of: CN=shown\n"
    );
    let (status, out, err) = run(&path, "export --format text --key @shown.key @a.trail");
    assert_eq!((status, out.as_str()), (0, "$ id\nuid=0(root)\n$\n"));
    assert_eq!(
        err,
        "a.trail: what was typed is left out: it is encrypted for others (--upstream-key)\n"
    );
    let (status, out, err) = run(
        &path,
        "export --format events --key @shown.key --upstream-key @typed.key --output @out @a.trail",
    );
    assert_eq!((status, out.as_str(), err.as_str()), (0, "", ""));
    let events = fs::read_to_string(path.join("out")).unwrap();
    assert_eq!(events.lines().count(), 8);
    assert!(events.contains(r#""event":"input","text":"id\r""#), "{events}");
    let (status, _, err) = run(
        &path,
        "export --format text --key @shown.key --output @out @a.trail",
    );
    assert!(
        status == 2 && err.contains("cannot write out: File exists"),
        "{err}"
    );
    assert_eq!(fs::read_to_string(path.join("out")).unwrap(), events);
    let (_, cast, _) = run(&path, "export --format asciicast --key @shown.key @a.trail");
    assert!(cast.starts_with('{') && cast.lines().count() == 6, "{cast}");
}

#[test]
fn what_is_not_whole_is_exported_as_far_as_it_is_good() {
    let (_folder, path) = lab();
    let whole = trail("ssh-1", &Recipients::default());
    fs::write(path.join("cut"), &whole[..whole.len() - 200]).unwrap();
    fs::write(path.join("none"), b"text").unwrap();
    let (status, out, err) = run(&path, "export --format text @cut");
    assert!(status == 1 && out.starts_with("$ id\n"), "{out}");
    assert!(
        err.starts_with("cut: cut after byte ") && err.ends_with("; what is before that is here\n"),
        "{err}"
    );
    let (status, out, err) = run(&path, "export --format events @none");
    assert!(
        status == 2 && out.is_empty() && err.starts_with("none: no audit trail"),
        "{err}"
    );
}

#[test]
fn replay_waits_as_it_was_but_not_where_nothing_happened() {
    let (_folder, path) = lab();
    fs::write(path.join("a"), trail("ssh-1", &Recipients::default())).unwrap();
    let mut waits = Vec::new();
    let words = path.join("a");
    let mut out = Vec::new();
    let line = Line::try_parse_from([
        "trail",
        "replay",
        "--speed",
        "2",
        "--idle",
        "3",
        words.to_str().unwrap(),
    ]);
    let TrailCommand::Replay(arguments) = line.unwrap().command else {
        panic!("another command")
    };
    let mut pause = |time: Duration| waits.push(time.as_millis());
    assert_eq!(
        replay(&arguments, &mut out, &mut Vec::new(), &mut pause).unwrap(),
        0
    );
    assert_eq!(waits, [1250, 3000]);
    assert!(out.starts_with(b"$ id\r\nuid=0(root)\r\n$ \xff\x1b[!p"));
    for wrong in [["--speed", "0"], ["--speed", "fast"], ["--idle", "-1"]] {
        assert!(Line::try_parse_from(["trail", "replay", wrong[0], wrong[1], "a"]).is_err());
    }
    assert_eq!(
        run_with(&path, "replay --channel 9 @a", &mut |_| panic!("it waits")).0,
        0
    );
}

/// What a browser made of a page, a minute into the recording, after ten seconds of its own time.
fn browse(page: &Path) -> String {
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=10000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            page.with_extension("profile").display()
        ))
        .arg(format!("file://{}#t=60", page.display()))
        .output()
        .unwrap_or_else(|error| panic!("chromium (run `cargo xtask setup`): {error}"));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_page_plays_in_a_browser_and_needs_nothing_else() {
    let (_folder, path) = lab();
    fs::write(path.join("a.trail"), trail("ssh-1", &Recipients::default())).unwrap();
    let (status, _, err) = run(&path, "export --format page --output @a.html @a.trail");
    assert_eq!((status, err.as_str()), (0, ""));
    let page = fs::read_to_string(path.join("a.html")).unwrap();
    // Nothing that was recorded is markup.
    assert!(!page.contains("<script>alert"), "a command became a script");
    let shown = browse(&path.join("a.html"));
    for part in [
        r#"<h1 id="session">ssh-1</h1>"#,
        ">uid=0(root)",
        "&gt; id",
        "exit 0",
        "ap-control-bar",
    ] {
        assert!(shown.contains(part), "{part} is missing in {} bytes", shown.len());
    }
    assert!(shown.contains("<span>alert: &lt;script&gt;alert(1)&lt;/script&gt;</span>"));
}

#[test]
fn a_session_is_shown_however_its_trail_comes() {
    let whole = trail("ssh-1", &Recipients::default());
    for size in [1, 7, 100, whole.len()] {
        let (mut follower, mut out) = (Follower::default(), Vec::new());
        for piece in whole.chunks(size) {
            follower.show(piece, &mut out).unwrap();
        }
        follower.show(&[], &mut out).unwrap();
        let text = String::from_utf8_lossy(&out);
        assert!(
            text.starts_with("$ id\r\nuid=0(root)") && text.ends_with("\x1b[0m\r\n"),
            "{text:?}"
        );
    }
    let (_folder, path) = lab();
    let closed = trail(
        "ssh-1",
        &Recipients {
            downstream: vec![somebody(&path, "shown")],
            ..Recipients::default()
        },
    );
    let error = Follower::default().show(&closed, &mut Vec::new()).unwrap_err();
    assert!(
        error.to_string().contains("what was shown is encrypted"),
        "{error}"
    );
}
