//! Lines typed at a prompt.

use std::io::Write;

use sps_admin::cli::{self, Files, Streams};
use sps_admin::{Response, Update};

use crate::lab::Scripted;

fn typed(line: &str) -> (u8, String, usize) {
    let answer = Some(Ok(Response::Done { note: "done".into() }));
    let mut session = Scripted {
        asked: Vec::new(),
        updates: Vec::new(),
        answer,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        terminal: true,
        files: Files::Nowhere,
        player: None,
    };
    let status = cli::run_line(line, &mut session, &mut streams).unwrap();
    out.extend(err);
    (status, String::from_utf8(out).unwrap(), session.asked.len())
}

#[test]
fn a_line_is_a_command_with_or_without_its_name() {
    for line in [
        "firmware commit",
        "sps firmware commit",
        "  firmware   commit -m 'two words'  ",
    ] {
        assert_eq!(typed(line), (0, "done\n".into(), 1), "{line}");
    }
    assert_eq!(typed("   "), (0, String::new(), 0));
}

#[test]
fn help_and_mistakes_are_text_for_80_columns_without_colours() {
    for line in [
        "help",
        "firmware --help",
        "network set --help",
        "firmwear",
        "firmware add 'x",
        "\u{1b}[2J\u{7f}é",
    ] {
        let (_, text, asked) = typed(line);
        assert!(!text.is_empty() && asked == 0, "{line}");
        assert!(text.chars().all(|c| matches!(c, ' '..='~' | '\n')), "{text:?}");
        assert!(text.lines().all(|line| line.len() < 80), "{text}");
    }
    assert_eq!(typed(&"x".repeat(5000)).0, cli::USAGE);
}

#[test]
fn no_file_is_read_from_a_prompt() {
    let (status, text, asked) = typed("licence add /etc/passwd");
    assert_eq!((status, asked), (cli::USAGE, 0), "{text}");
    assert!(text.contains("in the browser"), "{text}");
}

#[test]
fn no_file_is_written_from_a_prompt() {
    for line in ["support-bundle", "support-bundle /etc/passwd", "support-bundle -"] {
        let (status, text, asked) = typed(line);
        assert_eq!((status, asked), (cli::USAGE, 0), "{text}");
    }
}

#[test]
fn a_followed_session_is_shown_as_it_comes_where_somebody_can_show_it() {
    let line = "sessions follow ssh-1";
    let (status, said, asked) = typed(line);
    assert_eq!((status, asked), (cli::USAGE, 0), "{said}");
    assert!(said.contains("follow it in the browser"), "{said}");
    let mut session = Scripted {
        asked: Vec::new(),
        updates: [&b"first "[..], b"second"]
            .map(|piece| Update::Data(piece.to_vec()))
            .into(),
        answer: Some(Ok(Response::Done { note: String::new() })),
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut pieces = Vec::new();
    let mut player = |piece: &[u8], out: &mut dyn Write| {
        pieces.push(piece.len());
        out.write_all(piece)
    };
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        terminal: true,
        files: Files::OutputOnly,
        player: Some(&mut player),
    };
    assert_eq!(
        cli::run_line(line, &mut session, &mut streams).unwrap(),
        cli::DONE
    );
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "first secondthe session has ended\n"
    );
    assert_eq!(pieces, [6, 6, 0], "the end is told");
}
