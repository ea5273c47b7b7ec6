//! What of sessions becomes moments, and what does not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use std::borrow::Cow;

use sps_index_engine::{Extractor, MAX_TEXT, Moment, Source};
use sps_trail::{Event, Kind};

const SECOND: u64 = 1_000_000;

fn event(at: u64, channel: u32, kind: Kind<'static>) -> Event<'static> {
    Event { at, channel, kind }
}

fn terminal(at: u64, channel: u32) -> Event<'static> {
    let kind = Kind::Terminal {
        term: "xterm".into(),
        columns: 80,
        rows: 24,
    };
    event(at, channel, kind)
}

fn opened(channel: u32, kind: &'static str) -> Event<'static> {
    let kind = Kind::ChannelOpened {
        kind: kind.into(),
        detail: "".into(),
    };
    event(0, channel, kind)
}

fn moments(events: &[Event<'_>]) -> Vec<Moment> {
    let mut extractor = Extractor::default();
    let mut found = Vec::new();
    for event in events {
        extractor.event(event, &mut |moment| found.push(moment));
    }
    extractor.finish(&mut |moment| found.push(moment));
    found
}

fn screens(events: &[Event<'_>]) -> Vec<(u64, String)> {
    let found = moments(events).into_iter();
    found
        .filter(|moment| moment.source == Source::Screen)
        .map(|moment| (moment.at, moment.text))
        .collect()
}

#[test]
fn what_a_terminal_shows_is_a_moment_at_its_time() {
    let shown = screens(&[
        opened(0, "session-shell"),
        terminal(0, 0),
        Event::output(SECOND, 0, b"$ systemctk\x08l restart nginx\r\n"),
        Event::output(60 * SECOND, 0, b"\x1b[31mFailed\x1b[0m to restart\r\n$ "),
        Event::output(120 * SECOND, 0, b"exit\r\n"),
    ]);
    assert_eq!(
        shown,
        [
            (1000, "$ systemctl restart nginx".to_owned()),
            (60_000, "Failed to restart".to_owned()),
            (120_000, "$ exit".to_owned())
        ]
    );
}

#[test]
fn what_was_typed_is_in_no_moment() {
    let found = moments(&[
        opened(0, "session-shell"),
        terminal(0, 0),
        Event::output(0, 0, b"Password: "),
        Event::input(SECOND, 0, b"hunter2\r"),
        Event::output(2 * SECOND, 0, b"\r\nwelcome\r\n"),
    ]);
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|moment| !moment.text.contains("hunter2")),
        "{found:?}"
    );
}

#[test]
fn what_scrolls_off_is_there_once_however_much_it_is() {
    let text: String = (0..5000).map(|line| format!("line number {line}\r\n")).collect();
    let events: Vec<_> = text
        .as_bytes()
        .chunks(700)
        .enumerate()
        .map(|(part, bytes)| Event::output(part as u64 * SECOND, 0, bytes))
        .collect();
    let shown = screens(&[&[terminal(0, 0)][..], &events].concat());
    let all: Vec<&str> = shown.iter().flat_map(|(_, text)| text.lines()).collect();
    for line in 0..5000 {
        let wanted = format!("line number {line}");
        let count = all.iter().filter(|found| **found == wanted).count();
        assert_eq!(count, 1, "{wanted}");
    }
    assert!(shown.iter().all(|(_, text)| text.len() <= MAX_TEXT));
}

#[test]
fn a_screen_that_is_drawn_again_is_told_once_and_its_changes_are_told() {
    let mut events = vec![terminal(0, 0), Event::output(0, 0, b"\x1b[?1049h")];
    let drawn: Vec<Vec<u8>> = (0..100)
        .map(|second| {
            format!(
                "\x1b[H\x1b[Kload {}\r\n\x1b[Kroot sshd\r\n\x1b[Kroot nginx\x1b[9;1H",
                second / 50
            )
            .into_bytes()
        })
        .collect();
    events.extend(
        drawn
            .iter()
            .zip(0u64..)
            .map(|(bytes, second)| Event::output(second * SECOND, 0, bytes)),
    );
    events.push(Event::output(200 * SECOND, 0, b"\x1b[?1049l"));
    let shown = screens(&events);
    let all: Vec<&str> = shown.iter().flat_map(|(_, text)| text.lines()).collect();
    assert_eq!(all, ["load 0", "root sshd", "root nginx", "load 1"]);
    assert!((50_000..55_000).contains(&shown[1].0), "{shown:?}");
}

#[test]
fn a_line_that_is_wrapped_is_one_line() {
    let long = "word ".repeat(50);
    let text = format!("{long}END\r\n{}", "\r\n".repeat(30));
    let shown = screens(&[terminal(0, 0), Event::output(0, 0, text.as_bytes())]);
    assert_eq!(shown, [(0, format!("{long}END"))]);
}

#[test]
fn files_are_told_and_their_bytes_are_not_text() {
    let file = Kind::File {
        operation: "upload".into(),
        path: Cow::Borrowed(b"/etc/passwd"),
        bytes: 12,
        result: "ok".into(),
    };
    let found = moments(&[
        opened(0, "session-exec-scp"),
        Event::output(0, 0, b"C0644 12 passwd\nroot:x:0:0:\n"),
        event(SECOND, 0, file),
        opened(1, "session-exec"),
        event(
            0,
            1,
            Kind::Exec {
                command: Cow::Borrowed(b"cat image.gz"),
            },
        ),
        Event::output(0, 1, b"\x1f\x8b\x08\0\0\0\0\0somewords"),
        opened(2, "session-sftp"),
        Event::output(0, 2, b"readable names of files\n"),
        opened(3, "session-exec"),
        Event::output(3 * SECOND, 3, b"uptime 3 days\nload 0.1\n"),
    ]);
    let told: Vec<_> = found
        .iter()
        .map(|moment| (moment.channel, moment.source, moment.text.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (0, Source::File, "upload /etc/passwd: ok"),
            (1, Source::Command, "cat image.gz"),
            (3, Source::Screen, "uptime 3 days\nload 0.1"),
        ]
    );
}

#[test]
fn titles_commands_and_notes_are_told() {
    let found = |kind: &'static str, text: &'static str| Kind::Found {
        kind: kind.into(),
        text: text.into(),
    };
    let found = moments(&[
        terminal(0, 0),
        Event::output(0, 0, b"\x1b]0;root@db1: /etc\x07"),
        Event::output(0, 0, b"\x1b]0;root@db1: /etc\x07"),
        event(0, 0, found("command", "rm -rf /")),
        event(0, 0, found("alert", "credit card")),
    ]);
    let told: Vec<_> = found
        .iter()
        .map(|moment| (moment.source, moment.text.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Source::Title, "root@db1: /etc"),
            (Source::Command, "rm -rf /"),
            (Source::Note, "alert: credit card")
        ]
    );
}

#[test]
fn a_thousand_channels_of_the_largest_terminals_are_told_in_bounded_memory() {
    let mut extractor = Extractor::default();
    let mut count = 0;
    for channel in 0..1000 {
        let kind = Kind::Terminal {
            term: "".into(),
            columns: u32::MAX,
            rows: u32::MAX,
        };
        for event in [event(0, channel, kind), Event::output(0, channel, b"hello\r\n")] {
            extractor.event(&event, &mut |_| count += 1);
        }
    }
    extractor.finish(&mut |_| count += 1);
    assert_eq!(count, 1000);
}

proptest::proptest! {
    #[test]
    fn any_output_is_taken(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2000), has in proptest::prelude::any::<bool>()) {
        let output = Event::output(0, 0, &data);
        let found = if has { moments(&[terminal(0, 0), output]) } else { moments(&[output]) };
        assert!(found.iter().all(|moment| !moment.text.is_empty() && moment.text.len() <= MAX_TEXT));
    }
}

#[test]
fn what_a_channel_was_opened_for_is_found() {
    let opened = |channel, kind: &'static str, detail: &'static str| {
        let kind = Kind::ChannelOpened {
            kind: kind.into(),
            detail: detail.into(),
        };
        event(0, channel, kind)
    };
    let found = moments(&[
        opened(1, "session-exec", "systemctl restart postgresql"),
        opened(2, "session-exec-scp", "scp -t /etc/motd"),
        opened(3, "local-forward", "db1:5432"),
        opened(4, "session-shell", ""),
    ]);
    let told: Vec<_> = found
        .iter()
        .map(|moment| (moment.channel, moment.source, moment.text.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (1, Source::Command, "systemctl restart postgresql"),
            (2, Source::Command, "scp -t /etc/motd"),
            (3, Source::Note, "db1:5432"),
        ]
    );
}

#[test]
fn a_terminal_without_a_size_has_the_usual_one() {
    let terminal = Kind::Terminal {
        term: "xterm".into(),
        columns: 0,
        rows: 0,
    };
    let shown = "a line that is longer than nothing\r\nand another one\r\n";
    let found = moments(&[event(0, 1, terminal), Event::output(1_000, 1, shown.as_bytes())]);
    assert_eq!(
        found[0].text,
        "a line that is longer than nothing\nand another one"
    );
}
