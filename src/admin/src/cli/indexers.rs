//! Commands of those who index.

use clap::Subcommand;

use super::arguments::{Change, Common};
use super::run::Job;
use crate::request::Request;

/// Indexers.
#[derive(Clone, Debug, Subcommand)]
pub enum IndexersCommand {
    /// Shows who indexes what: the appliance's own worker, hosts, and who was refused why
    Show(Common),
    /// Adds a host, and prints its configuration: once, its private key is not kept
    ///
    /// For example: sps indexers add indexer-1 > indexerworker.cfg
    Add {
        /// A name for it
        name: String,
        /// Address under which the host reaches the appliance [default: the appliance's first]
        #[arg(long, value_name = "ADDRESS")]
        address: Option<String>,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Removes a host: it is cut off, and its configuration opens nothing any more
    Remove {
        /// Its name
        name: String,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
}

pub(super) fn job(command: &IndexersCommand) -> Job {
    match command {
        IndexersCommand::Show(common) => Job::read(Request::IndexersShow, common),
        IndexersCommand::Add {
            name,
            address,
            change,
        } => {
            let request = Request::IndexerAdd {
                name: name.clone(),
                address: address.clone(),
            };
            Job::change(request, change)
        }
        IndexersCommand::Remove { name, change } => {
            Job::change(Request::IndexerRemove { name: name.clone() }, change)
        }
    }
}
