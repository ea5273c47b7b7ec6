//! Slots and status as administrators see them.

use std::io;
use std::time::Duration;

use serde::Serialize;
use sps_firmware_engine::{CommitDue, Content, Facts, Failed, Rescue, SlotState, state};
use sps_image::boot_control::SlotNumber;
use sps_image::hex::Sha256Digest;
use sps_image::manifest::{self, Manifest};
use sps_image::version::{Channel, Version};

use crate::documents::LastRollback;
use crate::error::FirmwareError;
use crate::firmware::{Firmware, lock};
use crate::inventory::MANIFEST;

/// A slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlotView {
    /// Its number.
    pub slot: SlotNumber,
    /// Its state.
    pub state: SlotState,
    /// Version of the firmware in it.
    pub version: Option<Version>,
    /// Channel of that version.
    pub channel: Option<Channel>,
    /// Which build.
    pub build_id: Option<String>,
    /// Whether it is development firmware.
    pub development: bool,
    /// SHA-256 of its manifest.
    pub digest: Option<Sha256Digest>,
    /// Bytes of its files.
    pub size: u64,
    /// Whether it runs.
    pub current: bool,
    /// Whether it boots next.
    pub after_reboot: bool,
    /// Why it is Failed.
    pub problem: Option<String>,
}

/// A firmware that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedView {
    /// SHA-256 of its manifest.
    pub digest: Sha256Digest,
    /// Its version.
    pub version: Version,
    /// Why it failed, and where.
    pub reason: String,
}

/// When the running firmware is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Commit {
    /// It is committed, or not healthy yet.
    None,
    /// When an administrator says so.
    ByHand,
    /// After so many more seconds of being healthy.
    InSeconds(u64),
}

/// What runs, what boots next, and what is to be known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The running slot.
    pub current: Option<SlotNumber>,
    /// The slot that boots next.
    pub after_reboot: Option<SlotNumber>,
    /// The version that boots next.
    pub after_reboot_version: Option<Version>,
    /// The slot kept to fall back to.
    pub fallback: Option<SlotNumber>,
    /// Whether the running firmware is on trial: it has not been healthy since it was activated.
    pub on_trial: bool,
    /// Starts the slot that boots next has left.
    pub tries: Option<u8>,
    /// When the running firmware is committed.
    pub commit: Commit,
    /// Why this is rescue mode, if it is.
    pub rescue: Option<Rescue>,
    /// The last rollback, until another firmware is committed.
    pub last_rollback: Option<LastRollback>,
    /// Firmware that failed.
    pub failed: Vec<FailedView>,
    /// What could not be read.
    pub problems: Vec<String>,
}

impl Firmware {
    /// The slots.
    ///
    /// # Errors
    /// When the folder of the slots cannot be read.
    pub fn list(&self) -> Result<Vec<SlotView>, FirmwareError> {
        let facts = self.gather(None)?.facts;
        let writing = *lock(&self.writing);
        Ok(SlotNumber::ALL
            .into_iter()
            .map(|slot| view(&facts, slot, writing))
            .collect())
    }

    /// The manifest of the firmware in a slot.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn manifest(&self, slot: SlotNumber) -> Result<Manifest, FirmwareError> {
        let name = slot.to_string();
        let file = self.slots.path_of(&name) + "/" + MANIFEST;
        let read = || {
            let text = self.slots.folder(&name)?.read(MANIFEST, manifest::MAX_SIZE)?;
            Manifest::from_json(&text).map_err(io::Error::other)
        };
        read().map_err(|source| FirmwareError::Read { file, source })
    }

    /// What runs and what boots next, `uptime` after the start; `period` is the time on trial that is set.
    ///
    /// # Errors
    /// When the folder of the slots cannot be read.
    pub fn status(&self, uptime: Duration, period: Duration) -> Result<Status, FirmwareError> {
        let gathered = self.gather(None)?;
        let (facts, mut problems) = (gathered.facts, gathered.problems);
        let after_reboot = facts.control.and_then(|control| control.first);
        Ok(Status {
            current: facts.running,
            after_reboot,
            after_reboot_version: after_reboot
                .and_then(|slot| facts.build(slot))
                .map(|build| build.version),
            fallback: facts.control.and_then(|control| control.second),
            on_trial: facts.is_trying(),
            tries: facts
                .control
                .zip(after_reboot)
                .map(|(control, slot)| control.slot(slot).tries.get()),
            commit: match self.commit_due(uptime, period)? {
                CommitDue::Never => Commit::None,
                CommitDue::ByHand => Commit::ByHand,
                CommitDue::In(left) => Commit::InSeconds(left.as_secs()),
                CommitDue::Now => Commit::InSeconds(0),
            },
            rescue: facts.rescue,
            last_rollback: self.records.read(&mut problems),
            failed: facts.failed.iter().map(failed).collect(),
            problems,
        })
    }
}

fn failed(failed: &Failed) -> FailedView {
    let phase = failed
        .phase
        .as_ref()
        .map_or_else(String::new, |phase| format!("; it got to: {phase}"));
    FailedView {
        digest: failed.digest,
        version: failed.version,
        reason: format!("{}{phase}", failed.cause),
    }
}

fn view(facts: &Facts, slot: SlotNumber, writing: Option<SlotNumber>) -> SlotView {
    let content = facts.content(slot);
    let build = content.build();
    let problem = match content {
        Content::Damaged { reason } => Some(reason.clone()),
        _ => build
            .and_then(|build| facts.failure(build.digest))
            .map(|entry| failed(entry).reason),
    };
    SlotView {
        slot,
        state: if writing == Some(slot) {
            SlotState::Writing
        } else {
            state(facts, slot)
        },
        version: build.map(|build| build.version),
        channel: build.map(|build| build.channel),
        build_id: build.map(|build| build.build_id.clone()),
        development: build.is_some_and(|build| build.development),
        digest: build.map(|build| build.digest),
        size: match content {
            Content::Complete(complete) => complete.size,
            _ => 0,
        },
        current: facts.running == Some(slot),
        after_reboot: facts.control.is_some_and(|control| control.first == Some(slot)),
        problem,
    }
}
