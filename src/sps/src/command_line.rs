//! The command line of the binary off the appliance: judging firmware files.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sps_image::cli::{self, ShowArgs, VerifyArgs};

/// Tool of the Safeguard appliance.
#[derive(Parser)]
#[command(name = "sps", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks or shows a firmware image
    #[command(subcommand)]
    Image(ImageCommand),
}

#[derive(Subcommand)]
enum ImageCommand {
    Verify(VerifyArgs),
    Show(ShowArgs),
}

/// Runs the command; a broken output stream counts as "could not be judged".
pub(crate) fn run() -> ExitCode {
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let Command::Image(command) = Arguments::parse().command;
    let status = match command {
        ImageCommand::Verify(arguments) => cli::verify(&arguments, &mut out, &mut err),
        ImageCommand::Show(arguments) => cli::show(&arguments, &mut out, &mut err),
    };
    ExitCode::from(status.unwrap_or(cli::UNREADABLE))
}
