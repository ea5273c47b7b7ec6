//! Commands of terminals, as they are seen before they run: real `ssh`, real `sshd`, real `bash`. What is not seen is named in
//! `proxy-engine/src/commands.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

mod common;

use std::process::Stdio;
use std::time::Duration;

use common::{Kept, Lab, USER, USER_PASSWORD};
use sps_cluster_config::sections::policies::{ContentAction, ContentEvent, ContentKind, ContentPolicy};
use sps_proxy_ssh::What;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(20);
/// What ends a session here; the tests leave a file behind when it ran all the same.
const FORBIDDEN: &str = r"touch\s+forbidden|\brm\b";

/// A shell on a terminal of 80 columns.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    seen: String,
}

async fn lab(kind: ContentKind, pattern: &str, action: ContentAction) -> Lab {
    let pattern = pattern.to_owned();
    Lab::start(move |settings| {
        let event = ContentEvent {
            kind,
            matches: vec![pattern],
            ignores: vec![],
            actions: vec![action],
        };
        let policy = ContentPolicy { events: vec![event] };
        settings.policies.content.insert("watch".into(), policy);
        for channel in settings.channels() {
            if channel.kind == "shell" || channel.kind == "exec" {
                channel.content_policy = Some("watch".into());
            }
        }
    })
    .await
}

impl Terminal {
    async fn open(lab: &Lab) -> Self {
        // A terminal of `script`, so that it has a size; its shell shows a prompt that nothing else does.
        let mut ssh = lab.client("ssh", USER, USER_PASSWORD);
        ssh.args([
            "-tt",
            "127.0.0.1",
            "stty cols 80 rows 24; PS1='ready> ' exec bash --norc -i",
        ]);
        let mut child = ssh.stdin(Stdio::piped()).spawn().unwrap();
        let (keys, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut terminal = Self {
            child,
            keys,
            screen,
            seen: String::new(),
        };
        terminal.until("ready> ").await;
        terminal
    }

    /// Types keys one by one, as people do: the next when the one before was answered.
    async fn type_in(&mut self, keys: &str) {
        for key in keys.chars() {
            self.seen.clear();
            self.send(key.to_string().as_bytes()).await;
            self.any().await;
        }
    }

    async fn send(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).await.unwrap();
        self.keys.flush().await.unwrap();
    }

    /// Types a line, and waits for the prompt behind what it does.
    async fn run(&mut self, line: &str) {
        self.seen.clear();
        self.send(line.as_bytes()).await;
        self.until(line.get(line.len() - 4..).unwrap()).await;
        self.seen.clear();
        self.send(b"\r").await;
        self.until("ready> ").await;
        self.seen.clear();
    }

    async fn any(&mut self) {
        let mut bytes = [0; 4096];
        let read = timeout(WITHIN, self.screen.read(&mut bytes)).await;
        let read = read
            .unwrap_or_else(|_| panic!("in time: {:?}", self.seen))
            .unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&bytes[..read]));
        assert!(read > 0, "the terminal closed: {}", self.seen);
    }

    async fn until(&mut self, text: &str) {
        while !self.seen.contains(text) {
            self.any().await;
        }
    }

    /// The session ends because of what was entered.
    async fn ended(mut self) -> String {
        let ended = timeout(WITHIN, self.child.wait())
            .await
            .expect("in time")
            .unwrap();
        let mut said = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .await
            .unwrap();
        assert_eq!(ended.code(), Some(255), "{said}");
        said
    }
}

fn commands(kept: &Kept) -> Vec<String> {
    let texts = kept.events.iter().filter_map(|event| match &event.what {
        What::Command { text } => Some(text.clone()),
        _ => None,
    });
    texts.collect()
}

/// Types something that must be stopped, and sees that it was.
async fn stopped(type_in: impl AsyncFnOnce(&mut Terminal)) -> Kept {
    let lab = lab(ContentKind::Commands, FORBIDDEN, ContentAction::Terminate).await;
    let mut terminal = Terminal::open(&lab).await;
    type_in(&mut terminal).await;
    let said = terminal.ended().await;
    assert!(said.contains("ended by its content policy"), "{said}");
    assert!(!lab.server.home().join("forbidden").exists(), "the command ran");
    let kept = lab.appliance.ended(0).await;
    assert_eq!(kept.verdict, Some("terminated"));
    assert!(
        kept.events
            .iter()
            .any(|event| matches!(event.what, What::Found { kind: "command", .. }))
    );
    kept
}

#[tokio::test]
async fn commands_are_recorded_as_the_screen_shows_them() {
    let lab = Lab::start(|_| {}).await;
    let mut terminal = Terminal::open(&lab).await;
    terminal.type_in("ecjo").await;
    terminal.send(b"\x7f\x7f").await;
    terminal.until("\x08").await;
    terminal.type_in("ho one").await;
    terminal.send(b"\r").await;
    terminal.until("ready> ").await;
    // Recalled, and added to.
    terminal.seen.clear();
    terminal.send(b"\x1b[A").await;
    terminal.until("one").await;
    terminal.type_in("s").await;
    terminal.send(b"\r").await;
    terminal.until("ready> ").await;
    // A password is no command.
    terminal.seen.clear();
    terminal.send(b"read -s -p 'word: ' secret").await;
    terminal.until("secret").await;
    terminal.seen.clear();
    terminal.send(b"\r").await;
    terminal.until("word: ").await;
    terminal.send(b"hunter2\r").await;
    terminal.until("ready> ").await;
    terminal.send(b"exit\r").await;
    let _ended = terminal.child.wait().await.unwrap();
    let kept = lab.appliance.ended(0).await;
    let commands = commands(&kept);
    assert_eq!(
        commands,
        ["echo one", "echo ones", "read -s -p 'word: ' secret", "exit"],
        "{commands:?}"
    );
}

#[tokio::test]
async fn a_forbidden_command_is_stopped_before_it_runs() {
    let kept = stopped(async |terminal| {
        terminal.type_in("TOUCH forbidden").await;
        terminal.send(b"\x15").await;
        terminal.any().await;
        terminal.type_in("touch forbidden").await;
        terminal.send(b"\r").await;
    })
    .await;
    assert!(commands(&kept).contains(&"touch forbidden".into()));
}

#[tokio::test]
async fn a_command_behind_another_is_found() {
    stopped(async |terminal| terminal.send(b"ls;touch forbidden\r").await).await;
}

#[tokio::test]
async fn a_command_after_ctrl_c_is_found() {
    stopped(async |terminal| {
        // The shell itself waits, so that nothing else is interrupted in its place.
        terminal.send(b"sleep 1000 & wait\r").await;
        terminal.until("[1] ").await;
        terminal.seen.clear();
        terminal.send(b"\x03").await;
        terminal.until("ready> ").await;
        terminal.send(b"touch forbidden\r").await;
    })
    .await;
}

#[tokio::test]
async fn a_command_from_the_history_is_found() {
    stopped(async |terminal| {
        // The shell puts the words together, and keeps that in place of the command itself.
        terminal.run("history -s 'touch for''bidden'").await;
        terminal.send(b"\x1b[A").await;
        terminal.until("touch forbidden").await;
        terminal.send(b"\r").await;
    })
    .await;
    stopped(async |terminal| {
        terminal.run("history -s 'touch for''bidden'").await;
        terminal.send(b"\x12bidd").await;
        // What fits is shown in another colour.
        terminal.until("touch for\x1b[7mbidd").await;
        terminal.send(b"\r").await;
    })
    .await;
}

#[tokio::test]
async fn a_command_among_pasted_lines_is_found() {
    stopped(async |terminal| terminal.send(b"echo one\rtouch forbidden\recho two\r").await).await;
}

#[tokio::test]
async fn a_command_in_a_bracketed_paste_is_found() {
    stopped(async |terminal| {
        terminal
            .send(b"\x1b[200~echo one\ntouch forbidden\x1b[201~\r")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_command_put_together_by_moving_about_is_found() {
    stopped(async |terminal| {
        // Typed back to front.
        terminal.send(b"forbidden").await;
        terminal.until("forbidden").await;
        terminal.send(b"\x01touch \x05\r").await;
    })
    .await;
}

#[tokio::test]
async fn a_command_that_was_completed_is_found() {
    let lab = lab(ContentKind::Commands, "cat a-long-name", ContentAction::Terminate).await;
    std::fs::write(lab.server.home().join("a-long-name"), "text of the file").unwrap();
    let mut terminal = Terminal::open(&lab).await;
    terminal.type_in("cat a-l").await;
    terminal.send(b"\t").await;
    terminal.until("ong-name").await;
    terminal.send(b"\r").await;
    let mut rest = String::new();
    drop(timeout(WITHIN, terminal.screen.read_to_string(&mut rest)).await);
    assert!(!rest.contains("text of the file"), "{rest}");
    terminal.ended().await;
}

#[tokio::test]
async fn a_command_longer_than_a_line_is_found() {
    stopped(async |terminal| {
        let long = format!("echo {} ; touch forbidden\r", "word ".repeat(40));
        terminal.send(long.as_bytes()).await;
    })
    .await;
}

#[tokio::test]
async fn a_command_typed_ahead_or_without_an_echo_is_found() {
    stopped(async |terminal| {
        terminal.send(b"sleep 1\r").await;
        terminal.send(b"touch forbidden\r").await;
    })
    .await;
    stopped(async |terminal| {
        terminal.send(b"bash --noediting; stty -echo\r").await;
        terminal.any().await;
        terminal.send(b"touch forbidden\r").await;
    })
    .await;
}

#[tokio::test]
async fn scripts_are_found_where_they_are_asked_for_or_typed() {
    for arguments in [&["bash -c 'touch forbidden'"][..], &["ls; touch forbidden"]] {
        let lab = lab(ContentKind::Commands, FORBIDDEN, ContentAction::Terminate).await;
        lab.ssh(arguments).await;
        assert!(!lab.server.home().join("forbidden").exists());
        assert_eq!(lab.appliance.ended(0).await.verdict, Some("terminated"));
    }
    // A shell without a terminal reads its script line by line.
    let lab = lab(ContentKind::Commands, FORBIDDEN, ContentAction::Terminate).await;
    let mut ssh = lab.client("ssh", USER, USER_PASSWORD);
    let mut ssh = ssh
        .args(["-T", "127.0.0.1"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut script = ssh.stdin.take().unwrap();
    script
        .write_all(b"echo one\ncat <<END\ntouch forbidden\nEND\n")
        .await
        .unwrap();
    drop(script);
    assert_eq!(ssh.wait().await.unwrap().code(), Some(255));
    assert_eq!(lab.appliance.ended(0).await.verdict, Some("terminated"));
}

#[tokio::test]
async fn what_the_screen_shows_is_found_before_it_is_seen() {
    for (kind, pattern, text, word) in [
        (
            ContentKind::ScreenContent,
            "top secret",
            "echo Top $((1-1))Secret | tr -d 0",
            "screen content",
        ),
        (
            ContentKind::CreditCard,
            ".*",
            "echo 4111$((1111*1))11111111",
            "credit card",
        ),
        (
            ContentKind::WindowTitle,
            "production",
            "printf '\\033]0;Prod%s\\007' uction",
            "window title",
        ),
    ] {
        let lab = lab(kind, pattern, ContentAction::Terminate).await;
        let mut terminal = Terminal::open(&lab).await;
        terminal.send(format!("{text}\r").as_bytes()).await;
        terminal.ended().await;
        let kept = lab.appliance.ended(0).await;
        let found = kept.events.iter().find_map(|event| match &event.what {
            What::Found { kind, text } => Some((*kind, text.clone())),
            _ => None,
        });
        let (kind, text) = found.unwrap();
        assert_eq!(kind, word);
        assert!(
            !text.contains("4111111111111111"),
            "a card number is kept: {text}"
        );
    }
}

#[tokio::test]
async fn what_is_only_noted_goes_on() {
    let lab = lab(ContentKind::Commands, "echo", ContentAction::Notify).await;
    let mut terminal = Terminal::open(&lab).await;
    terminal.send(b"echo one two\r").await;
    terminal.until("ready> ").await;
    terminal.send(b"exit\r").await;
    let _ended = terminal.child.wait().await.unwrap();
    let kept = lab.appliance.ended(0).await;
    assert_eq!(kept.verdict, Some("accept"));
    assert!(!lab.appliance.alarms().is_empty());
}
