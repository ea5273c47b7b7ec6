//! Boots that failed: what is remembered of them and why.

use std::fmt;

use serde::{Deserialize, Serialize};
use sps_image::boot_control::SlotNumber;
use sps_image::hex::Sha256Digest;
use sps_image::version::Version;

/// Failed firmware remembered; the oldest is forgotten beyond. Nobody stages so many bad ones.
pub const MAX_FAILED: usize = 32;

/// Why the appliance left a firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It used up its starts without becoming healthy.
    TriesUsed,
    /// GRUB could not load its files.
    NotLoaded,
    /// The boot control was damaged and rebuilt while it was on trial.
    ControlLost,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TriesUsed => "it did not become healthy in any of its starts",
            Self::NotLoaded => "the boot loader could not load its files",
            Self::ControlLost => "the boot control was damaged while it was on trial",
        })
    }
}

/// A firmware that failed and does not start again until it is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// SHA-256 of its manifest.
    pub digest: Sha256Digest,
    /// Its version.
    pub version: Version,
    /// Why it was left.
    pub cause: Cause,
    /// The phase its last start got to, if it got so far as to write it down.
    pub phase: Option<String>,
}

/// The last start that was not known to be healthy, as it was written down before each of its phases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The slot that was started.
    pub slot: SlotNumber,
    /// SHA-256 of its manifest.
    pub digest: Sha256Digest,
    /// The phase it was in.
    pub phase: String,
    /// What it complained of, if it could.
    pub problem: Option<String>,
}

/// A rollback that just happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// The slot that was left.
    pub from: SlotNumber,
    /// The firmware in it, if it is whole.
    pub build: Option<(Sha256Digest, Version)>,
    /// The slot that runs instead.
    pub to: SlotNumber,
    /// Why.
    pub cause: Cause,
    /// The phase the last start got to; nothing when it never wrote one down: the kernel or what is before it.
    pub phase: Option<String>,
    /// What it complained of, if it could.
    pub problem: Option<String>,
}

/// One sentence: which firmware was left, why, and how far it came.
impl fmt::Display for Rollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rolled back from firmware")?;
        if let Some((_, version)) = self.build {
            write!(f, " {version}")?;
        }
        let phase = self.phase.as_deref().unwrap_or("before its first phase");
        write!(f, " in slot {}: {}; it got to: {phase}", self.from, self.cause)?;
        match &self.problem {
            Some(problem) => write!(f, " ({problem})"),
            None => Ok(()),
        }
    }
}

impl Rollback {
    /// The entry for the list of failed firmware.
    pub(crate) fn failed(&self) -> Option<Failed> {
        let (digest, version) = self.build?;
        Some(Failed {
            digest,
            version,
            cause: self.cause,
            phase: self.phase.clone(),
        })
    }
}

/// The list with one more entry: newest last, no firmware twice, bounded.
pub(crate) fn remember(list: &[Failed], failed: Failed) -> Vec<Failed> {
    let others = list.iter().filter(|old| old.digest != failed.digest);
    let mut new: Vec<Failed> = others.cloned().collect();
    new.push(failed);
    let surplus = new.len().saturating_sub(MAX_FAILED);
    new.drain(..surplus);
    new
}
