//! Every command of the binary.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use ipnet::IpNet;
use sps_admin::SOCKET;
use sps_admin::cli::ApplianceCommand;
use sps_image::cli::{ShowArgs, VerifyArgs};
use sps_trail_store::cli::TrailCommand;

use super::indexer::IndexerArgs;

/// What each exit status means, for help and man page.
const EXIT_STATUS: &str = "\
Exit status:
  0  carried out
  1  refused by the appliance, or failed; `sps image`: refused; `sps trail`: not whole
  2  wrong arguments, or configuration of `sps indexer`; `sps image`, `sps trail`: a file could not be judged
  3  the appliance was not reached, or did not answer to the end";

/// What is typed.
#[derive(Debug, Parser)]
#[command(
    name = "sps",
    version,
    max_term_width = 100,
    after_help = EXIT_STATUS,
    about = "Tool of the Safeguard appliance",
    long_about = "Tool of the Safeguard appliance\n\n`sps image` judges firmware files, `sps trail` reads audit trails, `sps indexer` indexes for an appliance and `sps routing-recipe` tells what a router needs, anywhere. Every other command is \
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
    /// Indexes audit trails for an appliance, on this machine, until it is told to stop
    ///
    /// Encrypted trails are opened with keys that stay here. Needs root: trails are read in a sandbox.
    Indexer(IndexerArgs),
    /// Prints what a router must be told to send connections to the appliance (transparent mode)
    RoutingRecipe(RecipeArgs),
    /// Prints a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Prints the man page
    Man,
}

/// The router.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum RouterKind {
    /// Linux with iptables and ip
    Linux,
    /// Cisco IOS
    Cisco,
    /// Sophos UTM
    Sophos,
}

#[derive(Debug, Args)]
pub(super) struct RecipeArgs {
    /// The router
    pub(super) router: RouterKind,
    /// Address of the appliance
    #[arg(long, value_name = "ADDRESS")]
    pub(super) appliance: IpAddr,
    /// Interface of the router that faces the appliance; it faces nothing else
    #[arg(long, value_name = "NAME")]
    pub(super) interface: String,
    /// Interface of the router that faces the clients
    #[arg(long, value_name = "NAME")]
    pub(super) clients: String,
    /// Interface of the router that faces the servers
    #[arg(long, value_name = "NAME")]
    pub(super) servers: String,
    /// Network of servers, such as 10.0.0.0/24; may be given several times
    #[arg(long = "network", value_name = "NETWORK", required = true)]
    pub(super) networks: Vec<IpNet>,
    /// TCP port of the servers; may be given several times
    #[arg(long = "port", value_name = "PORT", default_value = "22")]
    pub(super) ports: Vec<u16>,
    /// Servers see the client's address: the connection policy says "Use original IP address of the client"
    #[arg(long)]
    pub(super) original_source: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ImageCommand {
    Verify(VerifyArgs),
    Show(ShowArgs),
}
