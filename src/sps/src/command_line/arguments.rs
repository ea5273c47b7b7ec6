//! Every command of the binary.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use sps_admin::SOCKET;
use sps_admin::cli::ApplianceCommand;
use sps_image::cli::{ShowArgs, VerifyArgs};
use sps_trail_store::cli::TrailCommand;

/// What each exit status means, for help and man page.
const EXIT_STATUS: &str = "\
Exit status:
  0  carried out
  1  refused by the appliance, or failed; `sps image`: refused; `sps trail`: not whole
  2  wrong arguments; `sps image`, `sps trail`: a file could not be judged
  3  the appliance was not reached, or did not answer to the end";

/// What is typed.
#[derive(Debug, Parser)]
#[command(
    name = "sps",
    version,
    max_term_width = 100,
    after_help = EXIT_STATUS,
    about = "Tool of the Safeguard appliance",
    long_about = "Tool of the Safeguard appliance\n\n`sps image` judges firmware files and `sps trail` reads audit trails, anywhere. Every other command is \
                  carried out by the running appliance, as root, over its Unix socket; each change is written to the \
                  appliance's log of actions."
)]
pub(super) struct Arguments {
    /// Socket of the appliance
    #[arg(long, global = true, hide = true, env = "SPS_SOCKET", default_value = SOCKET, value_name = "PATH")]
    pub(super) socket: PathBuf,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Appliance(ApplianceCommand),
    /// Checks or shows a firmware image
    #[command(subcommand)]
    Image(ImageCommand),
    /// Audit trails in files: verify, export, replay
    #[command(subcommand)]
    Trail(TrailCommand),
    /// Prints a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Prints the man page
    Man,
}

#[derive(Debug, Subcommand)]
pub(super) enum ImageCommand {
    Verify(VerifyArgs),
    Show(ShowArgs),
}
