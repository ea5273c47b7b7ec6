//! Between a terminal and its menu: keys become lines, outputs become bytes, requests become threads.

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use sps_admin::cli::{self, Files, Streams};
use sps_admin::{Failure, Request, SessionError, Update, text};
use zeroize::Zeroize;

use crate::line::{LineEditor, Reading, Typed};
use crate::menu::{Input, Menu, Output};
use crate::screen::Screen;
use crate::terminal::{Event, Sessions, job_name};

/// Columns of a bar.
const WIDTH: usize = 79;
/// Output of a command that is passed on at once, bytes.
const PRINTED: usize = 4096;

/// Drives one menu.
pub(crate) struct Driver {
    tty: String,
    menu: Menu,
    editor: LineEditor,
    screen: Arc<Screen>,
    sessions: Sessions,
    events: SyncSender<Event>,
    bar: bool,
    /// The job whose output is shown.
    job: u64,
}

impl Driver {
    /// A driver of the menu of `tty`; a job's events come back through `events`.
    pub(crate) fn new(
        tty: &str,
        menu: Menu,
        screen: Arc<Screen>,
        sessions: Sessions,
        events: SyncSender<Event>,
    ) -> Self {
        Self {
            tty: tty.into(),
            menu,
            editor: LineEditor::default(),
            screen,
            sessions,
            events,
            bar: false,
            job: 0,
        }
    }

    /// The log is in front.
    pub(crate) fn is_closed(&self) -> bool {
        self.menu.is_closed()
    }

    pub(crate) fn wake_at(&self) -> Option<Duration> {
        self.menu.wake_at()
    }

    /// Handles an event.
    pub(crate) fn hear(&mut self, event: Event, now: Duration) -> io::Result<()> {
        match event {
            Event::Keys(mut keys) => {
                let handled = keys.iter().try_for_each(|key| self.key(*key, now));
                keys.zeroize();
                handled
            }
            Event::HungUp => {
                self.hung_up(now);
                Ok(())
            }
            Event::Open => self.open(now),
            Event::Progress { job, progress } => self.step(Input::Progress { job, progress }, now),
            Event::Ended { job, reply } => self.step(Input::Ended { job, reply }, now),
            Event::Printed { job, bytes } if job == self.job => self.screen.write_menu(&bytes),
            Event::Printed { .. } => Ok(()),
            Event::Ran { job } => self.step(Input::Ran { job }, now),
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Duration) -> io::Result<()> {
        self.step(Input::Tick, now)
    }

    /// Nobody is there any more.
    pub(crate) fn hung_up(&mut self, now: Duration) {
        let _nobody_reads_it = self.step(Input::HungUp, now);
    }

    fn key(&mut self, key: u8, now: Duration) -> io::Result<()> {
        if self.menu.is_closed() {
            return if matches!(key, b'\r' | b'\n') {
                self.open(now)
            } else {
                Ok(())
            };
        }
        let mut echo = Vec::new();
        let typed = self.editor.key(key, &mut echo);
        if !echo.is_empty() {
            self.screen.write_menu(&echo)?;
        }
        match typed {
            None => Ok(()),
            Some(Typed::Line(line)) => self.step(Input::Line(line), now),
            Some(Typed::Cancel) => self.step(Input::Cancel, now),
        }
    }

    fn open(&mut self, now: Duration) -> io::Result<()> {
        if self.menu.is_closed() && self.screen.take() {
            return self.step(Input::Opened, now);
        }
        Ok(())
    }

    fn step(&mut self, input: Input, now: Duration) -> io::Result<()> {
        for output in self.menu.step(input, now) {
            self.carry_out(output)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, output: Output) -> io::Result<()> {
        match output {
            Output::Text(text) => self.screen.write_menu(text.replace('\n', "\r\n").as_bytes()),
            Output::Bar(bar) => self.show_bar(&bar),
            Output::Read(reading) => {
                self.editor.read(reading);
                Ok(())
            }
            Output::Ask { job, request } => {
                self.job = job;
                self.ask(job, request);
                Ok(())
            }
            Output::Run { job, line } => {
                self.job = job;
                self.run(job, line);
                Ok(())
            }
            Output::Leave => {
                self.job = 0;
                self.editor.read(Reading::Nothing);
                let shown = self.screen.write_menu(b"\r\n");
                self.screen.give_back();
                shown
            }
        }
    }

    fn show_bar(&mut self, bar: &str) -> io::Result<()> {
        let was_shown = mem::replace(&mut self.bar, !bar.is_empty());
        match (was_shown, bar.is_empty()) {
            (false, true) => Ok(()),
            (true, true) => self.screen.write_menu(format!("\r{:WIDTH$}\r", "").as_bytes()),
            _ => self.screen.write_menu(format!("\r{bar:<WIDTH$}").as_bytes()),
        }
    }

    /// Asks on a thread of its own, so that the terminal stays awake.
    fn ask(&self, job: u64, request: Request) {
        let mut session = (self.sessions)(&self.tty);
        let events = self.events.clone();
        let spawned = thread::Builder::new()
            .name(job_name(&request).into())
            .spawn(move || {
                let reply = session.ask(request, "", &mut |update| {
                    if let Update::Progress(progress) = update {
                        let _the_next_will_do = events.try_send(Event::Progress { job, progress });
                    }
                    Ok(())
                });
                let reply = Box::new(reply.map_err(failure));
                let _terminal_has_gone = events.send(Event::Ended { job, reply });
            });
        if let Err(error) = spawned {
            let reply = Box::new(Err(Failure::failed(format!("could not start a thread: {error}"))));
            let _full_of_keys = self.events.try_send(Event::Ended { job, reply });
        }
    }

    fn run(&self, job: u64, line: String) {
        let mut session = (self.sessions)(&self.tty);
        let events = self.events.clone();
        let spawned = thread::Builder::new()
            .name("console-command".into())
            .spawn(move || {
                let printer = || Printer {
                    job,
                    events: events.clone(),
                    bytes: Vec::new(),
                };
                let (mut out, mut err) = (printer(), printer());
                let mut streams = Streams {
                    out: &mut out,
                    err: &mut err,
                    terminal: true,
                    files: Files::Nowhere,
                    player: None,
                };
                let _terminal_has_gone = cli::run_line(&line, session.as_mut(), &mut streams);
                let _nor_this = out.flush().and_then(|()| err.flush());
                let _nor_that = events.send(Event::Ran { job });
            });
        if spawned.is_err() {
            let _full_of_keys = self.events.try_send(Event::Ran { job });
        }
    }
}

fn failure(error: SessionError) -> Failure {
    match error {
        SessionError::Failure(failure) => failure,
        other => Failure::failed(other.to_string()),
    }
}

/// Passes a command's output on, made safe for a terminal.
struct Printer {
    job: u64,
    events: SyncSender<Event>,
    bytes: Vec<u8>,
}

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend(bytes);
        if self.bytes.len() >= PRINTED || bytes.contains(&b'\n') {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let bytes = printable(&mem::take(&mut self.bytes));
        self.events
            .send(Event::Printed { job: self.job, bytes })
            .map_err(io::Error::other)
    }
}

/// Lines end for a raw terminal; a carriage return stays, for progress bars.
fn printable(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut safe = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find(['\n', '\r']) {
        safe += &text::clean(&rest[..at]);
        safe += if rest[at..].starts_with('\n') {
            "\r\n"
        } else {
            "\r"
        };
        rest = &rest[at + 1..];
    }
    (safe + &text::clean(rest)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_prints_cannot_move_the_cursor() {
        assert_eq!(printable("a\x1b[2J\nb\u{9b}é\rc".as_bytes()), b"a [2J\r\nb ?\rc");
        assert_eq!(printable(b"\xff\n"), b"?\r\n");
    }
}
