//! Runs commands against an appliance that answers what the test says.

use std::path::Path;

use clap::{Parser, Subcommand};
use sps_admin::cli::{self, ApplianceCommand, Files, Streams};
use sps_admin::{Listener, Request, Response, Session, SessionError, Update};

#[derive(Debug, Parser)]
#[command(name = "sps", max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Appliance(ApplianceCommand),
}

/// Says the updates, then the answer; remembers what was asked.
pub(crate) struct Scripted {
    pub(crate) asked: Vec<(Request, String)>,
    pub(crate) updates: Vec<Update>,
    pub(crate) answer: Option<Result<Response, SessionError>>,
}

impl Session for Scripted {
    fn ask(
        &mut self,
        request: Request,
        message: &str,
        listener: &mut Listener<'_>,
    ) -> Result<Response, SessionError> {
        self.asked.push((request, message.to_owned()));
        for update in self.updates.drain(..) {
            listener(update).map_err(SessionError::Output)?;
        }
        self.answer.take().unwrap_or(Err(SessionError::Ended))
    }
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: u8,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
    pub(crate) asked: Vec<(Request, String)>,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let out = String::from_utf8_lossy(&self.out);
        write!(
            f,
            "status {}\n--- out\n{out}--- err\n{}",
            self.status,
            self.err.replace('\r', "\\r")
        )
    }
}

pub(crate) fn parse(line: &str) -> Result<ApplianceCommand, clap::Error> {
    let words = std::iter::once("sps").chain(line.split_whitespace());
    Arguments::try_parse_from(words).map(|arguments| {
        let Command::Appliance(command) = arguments.command;
        command
    })
}

pub(crate) fn run(line: &str, answer: Result<Response, SessionError>) -> Outcome {
    run_with(line, Vec::new(), answer, Path::new("/here"), false)
}

pub(crate) fn run_with(
    line: &str,
    updates: Vec<Update>,
    answer: Result<Response, SessionError>,
    folder: &Path,
    terminal: bool,
) -> Outcome {
    let mut session = Scripted {
        asked: Vec::new(),
        updates,
        answer: Some(answer),
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        terminal,
        files: Files::Anywhere,
        player: None,
    };
    let status = cli::run(&parse(line).unwrap(), &mut session, folder, &mut streams).unwrap();
    Outcome {
        status,
        out,
        err: String::from_utf8(err).unwrap(),
        asked: session.asked,
    }
}
