//! Room on the data store: how full it is, what archives, cleans up and backs up, and the backups there are.

use serde::{Deserialize, Serialize};

/// The room on the data store, and what makes some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Thousandths of the disk that are used.
    pub used: u32,
    /// Percent at which clients are disconnected; none when that is switched off.
    pub limit: Option<u32>,
    /// Since when the limit is reached and clients are refused, seconds since 1970.
    pub full_since: Option<u64>,
    /// Whether archiving starts at the limit.
    pub archiving_at_limit: bool,
    /// Until when nothing is deleted because the clock has leapt.
    pub clock_doubted_until: Option<u64>,
    /// What is going on now.
    pub working: Option<String>,
    /// Audit trails that are archived.
    pub archived: u64,
    /// Audit trails that a clean-up policy deleted.
    pub deleted: u64,
    /// What runs, and when.
    pub policies: Vec<SpacePolicy>,
}

/// What a policy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpacePolicyKind {
    /// Moves audit trails away.
    Archive,
    /// Deletes audit trails.
    CleanUp,
    /// Copies everything.
    Backup,
    /// Deletes sessions with their audit trails.
    Retention,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpacePolicy {
    /// Its name.
    pub name: String,
    /// What it does.
    pub kind: SpacePolicyKind,
    /// Where to; empty when nothing goes anywhere.
    pub target: String,
    /// When it runs next, seconds since 1970.
    pub next: Option<u64>,
    /// Its last run.
    pub last: Option<SpaceRun>,
    /// Why it does not run.
    pub problem: Option<String>,
}

/// A run of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceRun {
    /// When it ended, seconds since 1970.
    pub at: u64,
    /// Whether it did all it was to do.
    pub done: bool,
    /// What it did, or why it failed.
    pub what: String,
}

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupLine {
    /// The policy on whose target it is.
    pub policy: String,
    /// Name of the appliance that made it.
    pub appliance: String,
    /// Its name: when it was made.
    pub name: String,
}
