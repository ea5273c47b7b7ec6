//! The small JSON files this crate keeps: failed firmware on `boot`; the attempt, the last rollback, the trial and
//! the Tests on `state`.
//!
//! Invariants: each has a format number and a bound; unknown fields are refused; what cannot be read counts as absent
//! and is told, it never stops a boot.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sps_firmware_engine::{Attempt, Cause, Failed, Rollback, Tested, Trial};
use sps_image::boot_control::{SLOTS, SlotNumber};
use sps_image::hex::Sha256Digest;
use sps_image::version::Version;

use crate::error::FirmwareError;
use crate::folder::Folder;

/// Format of all of them.
const FORMAT: u32 = 1;
/// Longest of most of them: two excerpts, with room for escapes.
const MAX_SIZE: usize = 256 * 1024;
/// Bytes kept of the log of a failed start, and of the kernel's last words: some hundred lines each.
pub const MAX_EXCERPT: usize = 16 * 1024;
/// Bytes kept of the report of a Test: far more than a person reads.
pub const MAX_REPORT: usize = 256 * 1024;

/// A file of this crate.
pub(crate) trait Document: Serialize + DeserializeOwned {
    /// Its name.
    const NAME: &'static str;
    /// Longest that is read.
    const MOST: usize = MAX_SIZE;

    /// The format it says it has.
    fn format(&self) -> u32;

    /// Reads it; nothing when it is not there.
    fn read(folder: &Folder) -> Result<Option<Self>, Unreadable> {
        let text = match folder.read(Self::NAME, Self::MOST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Unreadable(format!("{} cannot be read: {error}", Self::NAME))),
            Ok(text) => text,
        };
        match serde_json::from_slice::<Self>(&text) {
            Ok(document) if document.format() == FORMAT => Ok(Some(document)),
            Ok(_) => Err(Unreadable(format!("{} is of another firmware", Self::NAME))),
            Err(error) => Err(Unreadable(format!("{} is damaged: {error}", Self::NAME))),
        }
    }

    /// The bytes to write.
    fn encode(&self) -> Result<Vec<u8>, FirmwareError> {
        let name = Self::NAME;
        serde_json::to_vec_pretty(self).map_err(|source| FirmwareError::Encode { name, source })
    }
}

/// Why a document counts as absent, for people.
pub(crate) struct Unreadable(pub(crate) String);

macro_rules! document {
    ($type:ty, $name:literal) => {
        impl Document for $type {
            const NAME: &'static str = $name;

            fn format(&self) -> u32 {
                self.format
            }
        }
    };
}

/// Firmware that failed: `slots/failed.json` on `boot`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailedList {
    format: u32,
    pub(crate) failed: Vec<Failed>,
}
document!(FailedList, "failed.json");

impl FailedList {
    pub(crate) const fn new(failed: Vec<Failed>) -> Self {
        Self {
            format: FORMAT,
            failed,
        }
    }
}

/// The start that runs, written before each of its phases: `boot/attempt.json` on `state`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttemptRecord {
    pub(crate) format: u32,
    /// The kernel's name of this start.
    pub(crate) boot_id: String,
    pub(crate) slot: SlotNumber,
    pub(crate) digest: Sha256Digest,
    pub(crate) version: Version,
    pub(crate) phase: String,
    /// Seconds since 1970, by the clock of that start.
    pub(crate) at: u64,
    pub(crate) problem: Option<String>,
}
document!(AttemptRecord, "attempt.json");

impl AttemptRecord {
    pub(crate) const FORMAT: u32 = FORMAT;

    pub(crate) fn attempt(&self) -> Attempt {
        Attempt {
            slot: self.slot,
            digest: self.digest,
            phase: self.phase.clone(),
            problem: self.problem.clone(),
        }
    }
}

/// The last rollback: `boot/last-rollback.json` on `state`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastRollback {
    format: u32,
    /// The slot that was left.
    pub from: SlotNumber,
    /// Version of the firmware in it, if it could be read.
    pub version: Option<Version>,
    /// SHA-256 of its manifest.
    pub digest: Option<Sha256Digest>,
    /// The slot that runs instead.
    pub to: SlotNumber,
    /// Why.
    pub cause: Cause,
    /// The phase the last start got to; nothing when it did not get as far as writing one down.
    pub phase: Option<String>,
    /// What it complained of.
    pub problem: Option<String>,
    /// When it was noticed, seconds since 1970.
    pub at: u64,
    /// End of the log of the failed start; empty when it ended before it could keep one.
    pub log: String,
    /// The kernel's last words.
    pub kernel: String,
}
document!(LastRollback, "last-rollback.json");

impl LastRollback {
    pub(crate) fn new(rollback: &Rollback, at: u64, log: &str, kernel: &str) -> Self {
        Self {
            format: FORMAT,
            from: rollback.from,
            version: rollback.build.map(|(_, version)| version),
            digest: rollback.build.map(|(digest, _)| digest),
            to: rollback.to,
            cause: rollback.cause,
            phase: rollback.phase.clone(),
            problem: rollback.problem.clone(),
            at,
            log: excerpt(log).to_owned(),
            kernel: excerpt(kernel).to_owned(),
        }
    }
}

/// The end of a text.
fn excerpt(text: &str) -> &str {
    let start = text.ceil_char_boundary(text.len().saturating_sub(MAX_EXCERPT));
    &text[start..]
}

/// How long the firmware on trial has been healthy: `boot/trial.json` on `state`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialRecord {
    format: u32,
    digest: Sha256Digest,
    healthy_seconds: u64,
}
document!(TrialRecord, "trial.json");

impl TrialRecord {
    pub(crate) const fn new(trial: Trial) -> Self {
        Self {
            format: FORMAT,
            digest: trial.digest,
            healthy_seconds: trial.healthy_for.as_secs(),
        }
    }

    pub(crate) const fn trial(&self) -> Trial {
        Trial {
            digest: self.digest,
            healthy_for: std::time::Duration::from_secs(self.healthy_seconds),
        }
    }
}

/// How long the last start took that became healthy: `boot/last-start.json` on `state`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartRecord {
    format: u32,
    pub(crate) healthy_after_ms: u64,
}
document!(StartRecord, "last-start.json");

impl StartRecord {
    pub(crate) fn new(healthy_after: std::time::Duration) -> Self {
        Self {
            format: FORMAT,
            healthy_after_ms: u64::try_from(healthy_after.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// The last Test of each firmware in a slot: `boot/tests.json` on `state`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestList {
    format: u32,
    pub(crate) tests: Vec<TestRecord>,
}

impl Document for TestList {
    const NAME: &'static str = "tests.json";
    // A report for each slot, with room for escapes.
    const MOST: usize = SLOTS * 8 * MAX_REPORT;

    fn format(&self) -> u32 {
        self.format
    }
}

impl TestList {
    pub(crate) const fn new(tests: Vec<TestRecord>) -> Self {
        Self {
            format: FORMAT,
            tests,
        }
    }
}

/// A Test that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestRecord {
    /// SHA-256 of the manifest of the firmware that was tested.
    pub digest: Sha256Digest,
    /// Its version.
    pub version: Version,
    /// The digest of the firmware that ran.
    pub running: Sha256Digest,
    /// Revision of the configuration.
    pub revision: u64,
    /// Whether nothing was found that blocks.
    pub passed: bool,
    /// When, seconds since 1970.
    pub at: u64,
    /// The report, as whoever judged wrote it; at most [`MAX_REPORT`] bytes.
    pub report: String,
}

impl TestRecord {
    /// What the engine decides by.
    #[must_use]
    pub const fn tested(&self) -> Tested {
        Tested {
            digest: self.digest,
            running: self.running,
            revision: self.revision,
            passed: self.passed,
        }
    }
}

/// That the boot control was rebuilt and no start was healthy since: `boot/control-rebuilt.json` on `state`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rebuilt {
    format: u32,
    /// Seconds since 1970.
    pub(crate) at: u64,
}
document!(Rebuilt, "control-rebuilt.json");

impl Rebuilt {
    pub(crate) const fn new(at: u64) -> Self {
        Self { format: FORMAT, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_the_end_and_never_half_a_letter() {
        assert_eq!(excerpt("short"), "short");
        let long = "ä".repeat(MAX_EXCERPT);
        let end = excerpt(&long);
        assert_eq!(end.len(), MAX_EXCERPT);
        let odd = format!("{long}x");
        assert!(excerpt(&odd).len() < MAX_EXCERPT && excerpt(&odd).ends_with('x'));
    }
}
