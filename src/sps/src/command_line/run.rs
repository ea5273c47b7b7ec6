//! Runs a command and gives its exit status.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use sps_admin::Client;
use sps_admin::cli::{self as appliance, ApplianceCommand, Files, Streams};
use sps_image::cli as image;
use sps_trail_store::cli::{self as trail, Follower, TrailCommand};

use super::arguments::{Arguments, Command, ImageCommand};
use super::documents;
use super::indexer;
use super::recipe;

/// Runs the command; a broken output stream counts as "did not get to its end".
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    // Not locked: an indexer tells on it from every thread.
    let (mut out, mut err) = (io::stdout().lock(), io::stderr());
    let (status, broken) = match arguments.command {
        Command::Appliance(command) => {
            let status = administer(&command, &arguments.socket, &mut out, &mut err);
            (status, appliance::UNREACHABLE)
        }
        Command::Image(ImageCommand::Verify(arguments)) => {
            (image::verify(&arguments, &mut out, &mut err), image::UNREADABLE)
        }
        Command::Image(ImageCommand::Show(arguments)) => {
            (image::show(&arguments, &mut out, &mut err), image::UNREADABLE)
        }
        Command::RoutingRecipe(arguments) => (recipe::print(&arguments, &mut out, &mut err), recipe::BROKEN),
        Command::Trail(command) => (read_trails(&command, &mut out, &mut err), trail::UNREADABLE),
        Command::Indexer(arguments) => (indexer::run(&arguments, &mut err), indexer::BROKEN),
        Command::Completions { shell } => (
            documents::completions(shell, &mut out).map(|()| appliance::DONE),
            appliance::REFUSED,
        ),
        Command::Man => (
            documents::man(&mut out).map(|()| appliance::DONE),
            appliance::REFUSED,
        ),
    };
    ExitCode::from(status.unwrap_or(broken))
}

fn read_trails(command: &TrailCommand, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    match command {
        TrailCommand::Verify(arguments) => trail::verify(arguments, out, err),
        TrailCommand::Export(arguments) => trail::export(arguments, out, err),
        TrailCommand::Replay(arguments) => trail::replay(arguments, out, err, &mut std::thread::sleep),
    }
}

fn administer(
    command: &ApplianceCommand,
    socket: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let terminal = io::stderr().is_terminal();
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let mut follower = Follower::default();
    let mut streams = Streams {
        out,
        err,
        terminal,
        files: Files::Anywhere,
        player: Some(&mut |piece, out| follower.show(piece, out)),
    };
    match Client::connect(socket) {
        Ok(mut client) => appliance::run(command, &mut client, &folder, &mut streams),
        Err(error) => appliance::unreachable(command, &error, &mut streams),
    }
}
