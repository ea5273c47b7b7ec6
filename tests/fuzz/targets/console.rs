//! Keys and replies in any order: the menu never panics, shows nothing but printable text, and asks for nothing but a
//! login before the password was right.
//!
//! The input is a script: a byte below 0xf0 is a key, the bytes above stand for events.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sps_admin::{ConsoleState, Failure, Mode, Progress, Request, Response};
use sps_console::line::{LineEditor, Typed};
use sps_console::menu::{Input, Menu, Output};

struct Play {
    menu: Menu,
    editor: LineEditor,
    asked: Vec<(u64, Request)>,
    inside: bool,
    now: Duration,
}

impl Play {
    fn step(&mut self, input: Input) {
        for output in self.menu.step(input, self.now) {
            match output {
                Output::Text(text) | Output::Bar(text) => {
                    assert!(text.chars().all(|c| matches!(c, ' '..='~' | '\n')), "{text:?}");
                }
                Output::Read(reading) => self.editor.read(reading),
                Output::Ask { job, request } => {
                    let login = matches!(request, Request::ConsoleState | Request::Login { .. });
                    assert!(self.inside || login, "{request:?}");
                    self.asked.push((job, request));
                }
                Output::Run { .. } => assert!(self.inside),
                Output::Leave => self.inside = false,
            }
        }
    }

    fn event(&mut self, byte: u8) {
        let last = self.asked.last().cloned();
        match (byte, last) {
            (0xf0, _) => self.step(Input::Opened),
            (0xf1, _) => {
                self.now += Duration::from_secs(7);
                self.step(Input::Tick);
            }
            (0xf2, _) => self.step(Input::HungUp),
            (0xf3, Some((job, _))) => self.step(Input::Ran { job }),
            (0xf4, Some((job, _))) => self.step(Input::Progress { job, progress: Progress::default() }),
            (0xf5, Some((job, _))) => self.ended(job, Err(Failure::failed("no \u{1b}[2J"))),
            (_, Some((job, request))) => self.reply(byte, job, &request),
            (_, None) => {}
        }
    }

    fn reply(&mut self, byte: u8, job: u64, request: &Request) {
        let response = match request {
            Request::ConsoleState => Response::ConsoleState(Box::new(ConsoleState {
                mode: Mode::Installed,
                password_set: true,
                ..ConsoleState::default()
            })),
            Request::Login { .. } => {
                let accepted = byte == 0xff;
                self.inside |= accepted;
                Response::Login { accepted, wait: u64::from(byte) }
            }
            _ => Response::Done { note: "done \u{9b}".into() },
        };
        self.ended(job, Ok(response));
    }

    fn ended(&mut self, job: u64, reply: Result<Response, Failure>) {
        self.step(Input::Ended { job, reply: Box::new(reply) });
    }

    fn key(&mut self, byte: u8) {
        let mut echo = Vec::new();
        match self.editor.key(byte, &mut echo) {
            Some(Typed::Line(line)) => self.step(Input::Line(line)),
            Some(Typed::Cancel) => self.step(Input::Cancel),
            None => {}
        }
        assert!(echo.is_ascii());
    }
}

fuzz_target!(|input: &[u8]| {
    let mut play = Play {
        menu: Menu::new("ttyS0"),
        editor: LineEditor::default(),
        asked: Vec::new(),
        inside: false,
        now: Duration::ZERO,
    };
    for byte in input {
        match byte {
            0xf0.. => play.event(*byte),
            key => play.key(*key),
        }
    }
});
