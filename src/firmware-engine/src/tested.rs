//! What a Test is worth when a firmware is to be activated.

use sps_image::boot_control::SlotNumber;
use sps_image::hex::Sha256Digest;

use crate::commands::complete;
use crate::facts::Facts;
use crate::refusal::Refusal;

/// A Test that was made: of what, by what, against what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tested {
    /// SHA-256 of the manifest of the firmware that was tested.
    pub digest: Sha256Digest,
    /// The same of the firmware that ran.
    pub running: Sha256Digest,
    /// Revision of the configuration.
    pub revision: u64,
    /// Whether nothing was found that blocks.
    pub passed: bool,
}

impl Tested {
    /// What has changed since, for people, now that this firmware runs and the configuration has this `revision`.
    #[must_use]
    pub fn changed_since(&self, running: Option<Sha256Digest>, revision: u64) -> Option<String> {
        if running.is_some_and(|running| running != self.running) {
            return Some("another firmware runs".to_owned());
        }
        (self.revision != revision).then(|| {
            format!(
                "the configuration has revision {revision}, it was tested with revision {}",
                self.revision
            )
        })
    }
}

/// Whether the last Test of the firmware in `slot` allows to activate it, now that the configuration has this `revision`.
/// Going on with the running firmware needs none; in rescue mode none can be made.
///
/// # Errors
/// When there was none, it did not pass, or something has changed since.
pub fn require_test(
    facts: &Facts,
    slot: SlotNumber,
    revision: u64,
    last: Option<&Tested>,
) -> Result<(), Refusal> {
    if facts.running == Some(slot) || facts.rescue.is_some() {
        return Ok(());
    }
    let build = complete(facts, slot)?;
    let version = build.version;
    let Some(last) = last.filter(|last| last.digest == build.digest) else {
        return Err(Refusal::NotTested { version, slot });
    };
    if !last.passed {
        return Err(Refusal::TestFailed { version, slot });
    }
    let running = facts.running.and_then(|slot| facts.build(slot));
    match last.changed_since(running.map(|running| running.digest), revision) {
        None => Ok(()),
        Some(changed) => Err(Refusal::TestOutdated {
            version,
            slot,
            changed,
        }),
    }
}
