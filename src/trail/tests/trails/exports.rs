//! What other programs and people get.

use serde_json::Value;
use sps_trail::{Asciicast, Event, EventLines, Exit, Kind, TerminalText};

use crate::lab::{head, story};

fn terminal(columns: u32, rows: u32) -> Event<'static> {
    let kind = Kind::Terminal {
        term: "xterm-256color".into(),
        columns,
        rows,
    };
    Event {
        at: 0,
        channel: 3,
        kind,
    }
}

fn asciicast(events: &[Event<'_>]) -> String {
    let mut out = Vec::new();
    let mut cast = Asciicast::new(&head(), None);
    for event in events {
        cast.event(event, &mut out);
    }
    cast.finish(&mut out);
    String::from_utf8(out).unwrap()
}

/// In pieces of so many bytes.
fn text(piece: usize, first: &[Event<'_>], output: &[u8]) -> String {
    let mut out = Vec::new();
    let mut text = TerminalText::new(None);
    for event in first {
        text.event(event, &mut out);
    }
    for data in output.chunks(piece) {
        text.event(&Event::output(1, 3, data), &mut out);
    }
    text.finish(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_recording_of_a_session() {
    insta::assert_snapshot!(asciicast(&story()));
}

#[test]
fn a_recording_without_a_terminal_returns_at_the_end_of_lines() {
    let cast = asciicast(&[
        Event::output(1_000_000, 0, b"one\ntwo \xe2\x82"),
        Event::output(1_500_000, 0, b"\xac\n"),
        Event::output(1_600_000, 1, b"another channel"),
    ]);
    let lines: Vec<Value> = cast
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["term"]["cols"], 80);
    assert_eq!(lines[1], serde_json::json!([0.0, "o", "one\r\ntwo "]));
    assert_eq!(lines[2], serde_json::json!([0.5, "o", "€\r\n"]));
    assert_eq!(lines.len(), 3);
    assert_eq!(asciicast(&[]).lines().count(), 1);
}

#[test]
fn the_events_of_a_session() {
    let mut out = Vec::new();
    let mut lines = EventLines::new(&head(), &mut out);
    let more = [
        Event::output(2_200_000, 4, b"\xff\x00"),
        Event {
            at: 2_300_000,
            channel: 4,
            kind: Kind::File {
                operation: "upload".into(),
                path: b"/etc/motd"[..].into(),
                bytes: 12,
                result: "ok".into(),
            },
        },
        Event {
            at: 2_300_000,
            channel: 4,
            kind: Kind::Exit(Exit::Signal("TERM".into())),
        },
    ];
    for event in story().iter().chain(&more) {
        lines.event(event, &mut out);
    }
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

#[test]
fn the_text_of_a_terminal_is_what_stood_on_it() {
    let many: String = (0..100).map(|line| format!("line {line}\r\n")).collect();
    let all: String = (0..100).map(|line| format!("line {line}\n")).collect();
    for piece in [7, 4096] {
        assert_eq!(text(piece, &[terminal(80, 5)], many.as_bytes()), all);
        // Without a terminal lines end as they are in files.
        assert_eq!(text(piece, &[], many.replace("\r\n", "\n").as_bytes()), all);
    }
    // Typed, taken back, written over; a line that is longer than the screen is one line.
    let typed = b"$ lss\x08 \x08 -l\r\n\x1b[31mred\x1b[0m\r\n0123456789abcdefghij\r\nend";
    assert_eq!(
        text(100, &[terminal(10, 4)], typed),
        "$ ls -l\nred\n0123456789abcdefghij\nend\n"
    );
}

#[test]
fn what_is_cleared_was_there() {
    let shell = b"$ cat secret\r\nthe secret\r\n$ clear\r\n\x1b[H\x1b[2J\x1b[3J$ vi a\r\n";
    let editor = b"\x1b[?1049h\x1b[Hediting a\x1b[?1049l$ exit\r\n";
    let read = text(1000, &[terminal(80, 24)], &[&shell[..], editor].concat());
    let places = ["the secret", "$ vi a", "editing a", "$ exit"].map(|part| read.find(part));
    assert!(
        places.iter().all(Option::is_some) && places[0] < places[2] && places[2] < places[3],
        "{read}"
    );
    assert_eq!(read.matches("the secret").count(), 1);
    // What is drawn again as it was is not told again.
    let drawn = b"\x1b[2J\x1b[Htop".repeat(50);
    assert_eq!(text(1000, &[terminal(80, 24)], &drawn), "top\n");
}

#[test]
fn sizes_of_strangers_are_bounded() {
    assert!(text(9, &[terminal(0, 0)], b"abc\r\n").contains('c'));
    assert_eq!(text(9, &[terminal(u32::MAX, u32::MAX)], b"abc\r\n"), "abc\n");
}
