//! `cargo xtask`: builds, tests and measures the firmware. One file per command; this one only dispatches.

mod bench;
mod binary;
mod build_binary;
mod build_disk;
mod build_iso;
mod build_kernel;
mod cache;
mod ci;
mod digest;
mod fuzz;
mod helpers;
mod kernel;
mod keygen;
mod licence;
mod list_parts;
mod make_store;
mod progress;
mod project;
mod qemu;
mod reproduce;
mod sbom;
mod setup;
mod shipped;
mod source_bundle;
mod steps;
mod test;
mod tidy;

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
    Setup(setup::Setup),
    BuildKernel(build_kernel::BuildKernel),
    BuildBinary(build_binary::BuildBinary),
    BuildIso(build_iso::BuildIso),
    BuildDisk(build_disk::BuildDisk),
    Qemu(qemu::Qemu),
    Test(test::Test),
    Tidy(tidy::Tidy),
    Ci(ci::Ci),
    Fuzz(fuzz::Fuzz),
    Bench(bench::Bench),
    Keygen(keygen::Keygen),
    Licence(licence::MakeLicence),
    MakeStore(make_store::MakeStore),
    Sbom(list_parts::Sbom),
    Sources(source_bundle::Sources),
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
        Command::Setup(command) => command.run(&project),
        Command::BuildKernel(command) => command.run(&project),
        Command::BuildBinary(command) => command.run(&project),
        Command::BuildIso(command) => command.run(&project),
        Command::BuildDisk(command) => command.run(&project),
        Command::Qemu(command) => command.run(&project),
        Command::Test(command) => command.run(&project),
        Command::Tidy(command) => command.run(&project),
        Command::Ci(command) => command.run(&project),
        Command::Fuzz(command) => command.run(&project),
        Command::Bench(command) => command.run(&project),
        Command::Keygen(command) => command.run(),
        Command::Licence(command) => command.run(),
        Command::MakeStore(command) => command.run(),
        Command::Sbom(command) => command.run(&project),
        Command::Sources(command) => command.run(&project),
    }
}
