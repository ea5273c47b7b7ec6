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

#[cfg(test)]
mod tests {
    use sps_image::version::{Channel, Version};

    use super::*;
    use crate::facts::{Build, Complete, Content};
    use crate::rescue::Rescue;

    fn slot(number: u8) -> SlotNumber {
        SlotNumber::try_from(number).unwrap()
    }

    fn digest(minor: u32) -> Sha256Digest {
        Sha256Digest::of(&[minor as u8])
    }

    fn whole(minor: u32) -> Content {
        Content::Complete(Complete {
            build: Build {
                digest: digest(minor),
                version: Version::new(1, minor, 0),
                channel: Channel::Feature,
                build_id: "b".into(),
                build_time: 1,
                development: false,
                boot_protocol: 1,
                data_layout: 1,
            },
            size: 1,
            staged_at: 1,
        })
    }

    /// 1.1.0 runs from slot 1, 1.2.0 lies in slot 2.
    fn facts() -> Facts {
        Facts {
            contents: [whole(1), whole(2), Content::Empty, Content::Empty],
            running: Some(slot(1)),
            ..Facts::default()
        }
    }

    /// A Test of 1.2.0 by 1.1.0 at revision 7.
    fn tested() -> Tested {
        Tested {
            digest: digest(2),
            running: digest(1),
            revision: 7,
            passed: true,
        }
    }

    fn refusal(last: Option<Tested>) -> String {
        let refused = require_test(&facts(), slot(2), 7, last.as_ref());
        refused.unwrap_err().to_string()
    }

    #[test]
    fn a_test_holds_for_what_it_was_made_with() {
        let good = tested();
        assert_eq!(require_test(&facts(), slot(2), 7, Some(&good)), Ok(()));
        let untested = "firmware 1.2.0 in slot 2 has not been tested on this appliance: test it first";
        assert_eq!(refusal(None), untested);
        let digest = digest(3);
        assert_eq!(refusal(Some(Tested { digest, ..good })), untested);
        assert_eq!(
            refusal(Some(Tested {
                passed: false,
                ..good
            })),
            "firmware 1.2.0 in slot 2 has not passed its Test: mend what blocks, then test it again"
        );
        assert_eq!(
            refusal(Some(Tested { revision: 6, ..good })),
            "the Test of firmware 1.2.0 in slot 2 does not hold any more: the configuration has revision 7, it was tested with \
             revision 6; test it again"
        );
        assert_eq!(
            refusal(Some(Tested {
                running: digest,
                ..good
            })),
            "the Test of firmware 1.2.0 in slot 2 does not hold any more: another firmware runs; test it again"
        );
    }

    #[test]
    fn what_runs_and_rescue_need_none_and_an_empty_slot_is_empty() {
        assert_eq!(require_test(&facts(), slot(1), 7, None), Ok(()));
        let rescue = Facts {
            rescue: Some(Rescue::Menu),
            ..facts()
        };
        assert_eq!(require_test(&rescue, slot(2), 7, None), Ok(()));
        let empty = require_test(&facts(), slot(3), 7, Some(&tested()));
        assert!(matches!(empty, Err(Refusal::Empty { .. })));
    }
}
