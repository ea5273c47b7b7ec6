//! `cargo xtask`: builds, tests and measures the firmware. One file per command; this one only dispatches.

mod project;

use clap::{Parser, Subcommand};

use crate::project::Project;

/// Builds, tests and measures the appliance firmware.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let _project = Project::find()?;
    match arguments.command {}
}
