//! `cargo xtask`: builds, tests and measures the firmware. One file per command; this one only dispatches.

mod binary;
mod build_binary;
mod build_kernel;
mod cache;
mod digest;
mod kernel;
mod progress;
mod project;
mod qemu;

use std::process::ExitCode;

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
enum Command {
    BuildBinary(build_binary::BuildBinary),
    BuildKernel(build_kernel::BuildKernel),
    Qemu(qemu::Qemu),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let project = Project::find()?;
    match arguments.command {
        Command::BuildBinary(command) => command.run(&project),
        Command::BuildKernel(command) => command.run(&project),
        Command::Qemu(command) => command.run(&project),
    }
}
