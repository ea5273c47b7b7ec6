//! What the engine is told: the boot control, the slots, the firmware that failed, the running slot.

use sps_image::boot_control::{Control, SLOTS, SlotNumber};
use sps_image::hex::Sha256Digest;
use sps_image::version::{Channel, Version};

use crate::attempt::Failed;
use crate::rescue::Rescue;

/// What a firmware is, as its manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// SHA-256 of the manifest's bytes: the firmware's identity.
    pub digest: Sha256Digest,
    /// Version.
    pub version: Version,
    /// Channel of that version.
    pub channel: Channel,
    /// Which build.
    pub build_id: String,
    /// Seconds since 1970.
    pub build_time: u64,
    /// Whether it is development firmware.
    pub development: bool,
    /// Protocol with the boot loader it needs.
    pub boot_protocol: u32,
    /// Number of the data layout it works on.
    pub data_layout: u32,
}

/// A firmware that lies whole in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complete {
    /// What it is.
    pub build: Build,
    /// Bytes of its files.
    pub size: u64,
    /// When it was staged, seconds since 1970 by the clock of that time: for telling old from new, nothing else.
    pub staged_at: u64,
}

/// What lies in a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    #[default]
    Empty,
    /// Files, but no signature: staging was interrupted. Counts as empty and is cleaned at the next start.
    Incomplete,
    /// A signature, but not the files that belong to it.
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// A firmware.
    Complete(Complete),
}

impl Content {
    /// The firmware, if there is a whole one.
    #[must_use]
    pub const fn build(&self) -> Option<&Build> {
        match self {
            Self::Complete(complete) => Some(&complete.build),
            Self::Empty | Self::Incomplete | Self::Damaged { .. } => None,
        }
    }
}

/// Everything a decision is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The boot control, if one of its copies is complete.
    pub control: Option<Control>,
    /// Whether both copies are complete and the same. A copy that lags behind names slots it should not.
    pub copies_agree: bool,
    /// The slots in their order; [`Facts::content`] finds them by number.
    pub contents: [Content; SLOTS],
    /// Firmware that failed.
    pub failed: Vec<Failed>,
    /// The slot this firmware was started from; nothing when it was started from a medium.
    pub running: Option<SlotNumber>,
    /// Why this is rescue mode, if it is.
    pub rescue: Option<Rescue>,
}

impl Facts {
    /// What lies in a slot.
    #[must_use]
    pub fn content(&self, number: SlotNumber) -> &Content {
        &self.contents[usize::from(number.get()) - 1]
    }

    /// The firmware in a slot, if there is a whole one.
    #[must_use]
    pub fn build(&self, number: SlotNumber) -> Option<&Build> {
        self.content(number).build()
    }

    /// The entry of a firmware in the list of those that failed.
    #[must_use]
    pub fn failure(&self, digest: Sha256Digest) -> Option<&Failed> {
        self.failed.iter().find(|failed| failed.digest == digest)
    }

    /// Whether a slot holds a whole firmware that has not failed.
    pub(crate) fn is_usable(&self, number: SlotNumber) -> bool {
        self.build(number)
            .is_some_and(|build| self.failure(build.digest).is_none())
    }

    /// Whether a slot may neither be written nor deleted: it runs, boots next, or is the good one behind that.
    #[must_use]
    pub fn is_protected(&self, number: SlotNumber) -> bool {
        let named = self
            .control
            .is_some_and(|control| [control.first, control.second].contains(&Some(number)));
        named || self.running == Some(number)
    }

    /// Whether the running firmware is on trial: it has not been healthy since it was activated.
    #[must_use]
    pub fn is_trying(&self) -> bool {
        self.running_flags().is_some_and(|flags| !flags.good)
    }

    /// The flags of the running slot when it is the one that boots next and this is no rescue mode.
    pub(crate) fn running_flags(&self) -> Option<sps_image::boot_control::SlotFlags> {
        let (control, running) = (self.control?, self.running?);
        (control.first == Some(running) && self.rescue.is_none()).then(|| control.slot(running))
    }
}
