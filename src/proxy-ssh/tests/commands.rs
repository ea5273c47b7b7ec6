//! Commands of terminals, as they are seen before they run: real `ssh`, real `sshd`, real `bash`. What is not seen is named in
//! `proxy-engine/src/commands.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

mod common;
#[path = "common/terminal.rs"]
mod terminal;

use std::process::Stdio;

use common::{Kept, Lab, USER, USER_PASSWORD};
use sps_cluster_config::sections::policies::{ContentAction, ContentEvent, ContentKind, ContentPolicy};
use sps_proxy_ssh::What;
use terminal::{Terminal, WITHIN};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

/// What ends a session here; the tests leave a file behind when it ran all the same.
const FORBIDDEN: &str = r"touch\s+forbidden|\brm\b";

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
    let kept = lab.appliance.ended(0).await;
    let ran = lab.server.home().join("forbidden").exists();
    assert!(!ran, "the command ran: {:?}", kept.events);
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
async fn a_command_typed_at_once_behind_ctrl_c_is_found() {
    stopped(async |terminal| terminal.send(b"echo nothing\x03touch forbidden\r").await).await;
}

#[tokio::test]
async fn a_command_put_together_on_a_screen_that_shows_nothing_is_taken_for_what_is_forbidden() {
    stopped(async |terminal| {
        terminal.run("stty -echo; echo quiet").await;
        // Words alone would not be found: the first letter goes.
        terminal.send(b"xtouch forbidden\x01\x1b[3~\r").await;
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

#[tokio::test]
async fn a_screen_that_was_switched_by_hand_hides_no_command() {
    stopped(async |terminal| {
        terminal.run("printf '\\033[?1049h'").await;
        terminal.send(b"touch forbidden\r").await;
    })
    .await;
}

#[tokio::test]
async fn a_command_that_stands_there_before_anybody_types_is_found() {
    // The shell shows what it recalled, and runs it at the next Enter.
    stopped(async |terminal| {
        terminal
            .run("shopt -s histverify; history -s 'touch for''bidden'")
            .await;
        terminal.send(b"!-1\r").await;
        terminal.until("touch forbidden").await;
        terminal.send(b"\r").await;
    })
    .await;
    // Ctrl-O enters a line and fetches the next of the history.
    stopped(async |terminal| {
        terminal
            .run("printf 'echo first\\ntouch for''bidden\\n' > lines; history -c; history -r lines")
            .await;
        terminal.send(b"\x1b[A\x1b[A").await;
        terminal.until("echo first").await;
        terminal.seen.clear();
        terminal.send(b"\x0f").await;
        terminal.until("touch forbidden").await;
        terminal.send(b"\x0f").await;
    })
    .await;
    // What a program put on the line, and a key that adds nothing.
    stopped(async |terminal| {
        terminal.seen.clear();
        terminal
            .send(b"read -e -i \"touch for\"\"bidden\" -p 'go$ ' it; eval \"$it\"\r")
            .await;
        terminal.until("go$ touch forbidden").await;
        terminal.send(b"\x05\r").await;
    })
    .await;
}

#[tokio::test]
async fn a_command_that_ends_with_the_end_of_input_is_found() {
    stopped(async |terminal| {
        terminal.seen.clear();
        terminal.send(b"PS1='plain> ' sh -i\r").await;
        terminal.until("\rplain> ").await;
        terminal.send(b"touch forbidden\x04\x04").await;
    })
    .await;
}

#[tokio::test]
async fn a_command_that_leaves_the_screen_is_taken_for_what_is_forbidden() {
    stopped(async |terminal| {
        terminal.run("long=$(printf 'x%.0s' {1..3000})").await;
        terminal.run("history -s \"touch for\"\"bidden; : $long\"").await;
        terminal.send(b"\x1b[A").await;
        terminal.until("xxxxxxxxxx").await;
        terminal.send(b"\r").await;
    })
    .await;
}

#[tokio::test]
async fn a_policy_for_screens_closes_channels_that_have_none() {
    let lab = Lab::start(|settings| {
        let event = ContentEvent {
            kind: ContentKind::ScreenContent,
            matches: vec!["never".into()],
            ignores: vec![],
            actions: vec![ContentAction::Log],
        };
        let policy = ContentPolicy { events: vec![event] };
        settings.policies.content.insert("screens".into(), policy);
        for channel in settings.channels() {
            channel.content_policy = Some("screens".into());
        }
    })
    .await;
    assert_eq!(lab.ssh(&["echo fine"]).await.out, "fine\n");
    let mut subsystem = lab.client("ssh", USER, USER_PASSWORD);
    let said = subsystem
        .args(["-s", "127.0.0.1", "sftp"])
        .output()
        .await
        .unwrap();
    assert!(!said.status.success());
    let kept = lab.appliance.ended(1).await;
    assert_eq!(kept.denied(), ["session-sftp"], "{said:?} {:?}", kept.events);
}

#[tokio::test]
async fn a_command_that_was_not_entered_does_not_run_when_the_client_goes() {
    // A shell takes the end of its terminal for Enter: which is first, that or its own end, differs.
    for round in 0..10 {
        let lab = lab(ContentKind::Commands, FORBIDDEN, ContentAction::Terminate).await;
        let mut terminal = Terminal::open(&lab).await;
        terminal.run("trap 'echo > over' EXIT").await;
        // Typed ahead of the prompt: the shell finds it there together with the end.
        terminal.send(b"sleep 0.2\r").await;
        terminal.until("sleep 0.2\r\n").await;
        terminal.send(b"touch forbidden").await;
        terminal.until("touch forbidden").await;
        terminal.child.kill().await.unwrap();
        let waited = lab
            .ssh(&["for i in $(seq 100); do [ -e over ] && exit 0; sleep 0.1; done; exit 1"])
            .await;
        assert_eq!(waited.status, Some(0), "the shell goes on");
        assert!(
            !lab.server.home().join("forbidden").exists(),
            "it ran in round {round}"
        );
    }
}
