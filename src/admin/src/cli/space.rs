//! Commands of archives and backups.

use clap::Subcommand;

use super::arguments::{Change, Common};
use super::run::Job;
use crate::request::Request;

/// Archiving.
#[derive(Clone, Debug, Subcommand)]
pub enum ArchiveCommand {
    /// Shows how full the disk is, the policies, and their last and next runs
    Show(Common),
    /// Runs archive and clean-up policies now
    ///
    /// Audit trails older than the policy says are moved to its target, read back and compared, then removed here; those of a
    /// clean-up policy are deleted.
    Run {
        /// Name of the policy; all when none is given
        policy: Option<String>,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
}

/// Backups.
#[derive(Clone, Debug, Subcommand)]
pub enum BackupCommand {
    /// Backs up now
    Run {
        /// Name of the policy; all when none is given
        policy: Option<String>,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Lists the backups on the targets of the policies
    List {
        /// Name of the policy; all when none is given
        policy: Option<String>,
        /// As everywhere.
        #[command(flatten)]
        common: Common,
    },
    /// Restores a backup into an appliance without sessions, or adds the sessions that are missing
    ///
    /// Where no session is recorded everything comes back, and the next restart works on it. Where sessions are, those of the backup that
    /// are missing are added with their audit trails; nothing that is there is replaced or removed, and settings stay.
    /// The backup policy must have the password the backup was made with. Everything is verified before anything is used.
    Restore {
        /// Name of the policy
        policy: String,
        /// Name of the backup, as `backup list` shows it
        backup: String,
        /// The appliance that made it, when several put theirs there
        #[arg(long, value_name = "NAME")]
        appliance: Option<String>,
        /// Takes the settings of the node too: network, passwords of console and admin, time; without it what differs is told
        #[arg(long)]
        node_document: bool,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
}

pub(super) fn archive(command: &ArchiveCommand) -> Job {
    match command {
        ArchiveCommand::Show(common) => Job::read(Request::SpaceShow, common),
        ArchiveCommand::Run { policy, change } => Job::change(
            Request::ArchiveRun {
                policy: policy.clone(),
            },
            change,
        ),
    }
}

pub(super) fn backup(command: &BackupCommand) -> Job {
    match command {
        BackupCommand::Run { policy, change } => Job::change(
            Request::BackupRun {
                policy: policy.clone(),
            },
            change,
        ),
        BackupCommand::List { policy, common } => Job::read(
            Request::BackupList {
                policy: policy.clone(),
            },
            common,
        ),
        BackupCommand::Restore {
            policy,
            backup,
            appliance,
            node_document,
            change,
        } => Job::change(
            Request::BackupRestore {
                policy: policy.clone(),
                appliance: appliance.clone(),
                backup: backup.clone(),
                password: None,
                node_document: *node_document,
            },
            change,
        ),
    }
}
