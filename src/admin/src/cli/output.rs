//! Words or JSON, progress as a bar or as lines.

use std::io::{self, Write};

use serde::Serialize;

use super::follow::Player;
use crate::failure::FailureKind;
use crate::progress::Progress;
use crate::response::Response;
use crate::session::SessionError;
use crate::text;

/// Columns that a progress bar may fill: a screen of 80 less the one that would wrap.
const WIDTH: usize = 79;
/// Hundredths after which progress that is no bar is told again.
const STEP: u64 = 10;

/// Where output goes.
pub struct Streams<'a> {
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error: progress and messages.
    pub err: &'a mut dyn Write,
    /// Standard error is a terminal: progress is a bar that is written over.
    pub terminal: bool,
    /// Where a support bundle may be written.
    pub files: Files,
    /// Shows sessions that are followed; nothing where none can be shown.
    pub player: Option<Player<'a>>,
}

/// Where a command may write files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// To files and to standard output: the asker's own machine.
    Anywhere,
    /// To standard output alone, which leads to the asker: SSH.
    OutputOnly,
    /// Nowhere: a console.
    Nowhere,
}

impl std::fmt::Debug for Streams<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams")
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Told<'a> {
    error: Details<'a>,
}

#[derive(Serialize)]
struct Details<'a> {
    kind: Option<FailureKind>,
    message: &'a str,
}

/// Prints a response.
pub(super) fn response(response: &Response, json: bool, streams: &mut Streams<'_>) -> io::Result<()> {
    if json {
        return value(response, streams.out);
    }
    streams.out.write_all(text::response(response).as_bytes())?;
    streams.out.flush()
}

/// Prints why there is none.
pub(super) fn error(error: &SessionError, json: bool, streams: &mut Streams<'_>) -> io::Result<()> {
    let message = chain(error);
    if json {
        let kind = match error {
            SessionError::Failure(failure) => Some(failure.kind),
            _ => None,
        };
        return value(
            &Told {
                error: Details {
                    kind,
                    message: &message,
                },
            },
            streams.out,
        );
    }
    writeln!(streams.err, "{}", text::clean(&message))?;
    streams.err.flush()
}

fn value(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    writeln!(out, "{text}")?;
    out.flush()
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Shows progress as it comes.
#[derive(Debug)]
pub(super) struct Bar {
    shown: bool,
    silent: bool,
    terminal: bool,
    /// Step and hundredth last told.
    told: Option<(String, u64)>,
}

impl Bar {
    pub(super) fn new(silent: bool, terminal: bool) -> Self {
        Self {
            shown: false,
            silent,
            terminal,
            told: None,
        }
    }

    pub(super) fn show(&mut self, progress: &Progress, err: &mut dyn Write) -> io::Result<()> {
        if self.silent {
            return Ok(());
        }
        let line = text::progress_line(progress, WIDTH);
        if self.terminal {
            self.shown = true;
            write!(err, "\r{line:<WIDTH$}")?;
            return err.flush();
        }
        let share = text::share(progress).unwrap_or(0);
        let due = self
            .told
            .as_ref()
            .is_none_or(|(what, last)| *what != progress.what || share >= last.saturating_add(STEP));
        if !due {
            return Ok(());
        }
        self.told = Some((progress.what.clone(), share - share % STEP));
        writeln!(err, "{line}")
    }

    /// Removes the bar, so that what follows begins on an empty line.
    pub(super) fn end(&mut self, err: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.shown) {
            write!(err, "\r{:WIDTH$}\r", "")?;
            err.flush()?;
        }
        Ok(())
    }
}
