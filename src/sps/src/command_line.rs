//! The command line of the binary off the appliance.

use std::process::ExitCode;

use clap::Parser;

/// Tool of the Safeguard appliance.
#[derive(Parser)]
#[command(name = "sps", version, max_term_width = 100)]
struct Arguments {}

pub(crate) fn run() -> ExitCode {
    let Arguments {} = Arguments::parse();
    ExitCode::SUCCESS
}
