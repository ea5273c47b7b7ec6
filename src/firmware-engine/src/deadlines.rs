//! How long things may take, and what follows when they take longer. All deadlines of an upgrade stand here.

use std::time::Duration;

use sps_image::hex::Sha256Digest;

use crate::facts::Facts;

/// Time limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From the start of the services until all of them are healthy.
    pub services: Duration,
    /// A phase that works on the disk (checking, growing, making a file system) may take as long as it makes
    /// progress; so long without any is a failure.
    pub storage_progress: Duration,
    /// How long a firmware stays healthy before it is committed, unless the administrator set another time.
    pub commit: Duration,
}

/// The limits of this firmware.
pub const DEADLINES: Deadlines = Deadlines {
    services: Duration::from_secs(5 * 60),
    storage_progress: Duration::from_secs(2 * 60),
    commit: Duration::from_secs(24 * 60 * 60),
};

/// What follows a failure of the running firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Reboot: GRUB counts the start, and the good firmware boots when none is left.
    Reboot,
    /// Go on in rescue mode, changing nothing on disk.
    Rescue,
    /// Go on with what works.
    StayDegraded,
}

/// What follows when a phase of the boot that needs the disks fails.
#[must_use]
pub fn storage_failed(facts: &Facts) -> Reaction {
    if has_fallback(facts) {
        Reaction::Reboot
    } else {
        Reaction::Rescue
    }
}

/// What follows when the services are not healthy so long after their start; nothing as long as there is time.
#[must_use]
pub fn services_overdue(facts: &Facts, since_start: Duration) -> Option<Reaction> {
    let reaction = if has_fallback(facts) {
        Reaction::Reboot
    } else {
        Reaction::StayDegraded
    };
    (since_start >= DEADLINES.services).then_some(reaction)
}

/// Whether something better than the running firmware may be behind it: it is on trial, or not committed yet.
/// Staying would keep the appliance from going back by itself.
fn has_fallback(facts: &Facts) -> bool {
    let running = facts.running_flags().is_some();
    let second = facts.control.and_then(|control| control.second);
    running && second.is_some() && second != facts.running
}

/// How long the firmware on trial has been healthy, over all its starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// SHA-256 of its manifest.
    pub digest: Sha256Digest,
    /// How long. Counted by the monotonic clock, so that a clock that is set commits nothing.
    pub healthy_for: Duration,
}

/// When the running firmware will be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitDue {
    /// It is committed, or not healthy yet.
    Never,
    /// When an administrator says so.
    ByHand,
    /// After so much more time of being healthy.
    In(Duration),
    /// Now.
    Now,
}

/// When the running firmware will be committed, given the period that is set; zero means by hand only.
#[must_use]
pub fn commit_due(facts: &Facts, trial: Option<&Trial>, period: Duration) -> CommitDue {
    let good = facts.running_flags().is_some_and(|flags| flags.good);
    if !good || !has_fallback(facts) {
        return CommitDue::Never;
    }
    if period.is_zero() {
        return CommitDue::ByHand;
    }
    let running = facts
        .running
        .and_then(|slot| facts.build(slot))
        .map(|build| build.digest);
    let healthy_for = trial
        .filter(|trial| Some(trial.digest) == running)
        .map_or(Duration::ZERO, |trial| trial.healthy_for);
    match period.saturating_sub(healthy_for) {
        Duration::ZERO => CommitDue::Now,
        left => CommitDue::In(left),
    }
}
