//! States of a slot as people see them: the one place where flags become words.

use std::fmt;

use serde::{Deserialize, Serialize};
use sps_image::boot_control::{Control, SlotNumber};

use crate::facts::{Content, Facts};

/// Most bytes a firmware may have in a slot: a quarter of `boot` (512 MiB) less what ext4 keeps for itself (inode
/// tables, an 16 MiB journal, reserve), so that four of the largest fit side by side.
pub const SLOT_LIMIT: u64 = 115 * 1024 * 1024;

/// State of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotState {
    /// Holds nothing, or the rest of an interrupted write.
    Empty,
    /// Is being written.
    Writing,
    /// Holds a verified firmware that is not in use.
    Staged,
    /// On trial: it has so many starts left to become healthy.
    Trying(u8),
    /// Was healthy; the one before it is still kept.
    Healthy,
    /// The firmware to stay with or to fall back to.
    Committed,
    /// Holds a firmware that failed, or one that is damaged.
    Failed,
}

impl fmt::Display for SlotState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Writing => f.write_str("Writing"),
            Self::Staged => f.write_str("Staged"),
            Self::Trying(1) => f.write_str("Trying (1 start left)"),
            Self::Trying(tries) => write!(f, "Trying ({tries} starts left)"),
            Self::Healthy => f.write_str("Healthy"),
            Self::Committed => f.write_str("Committed"),
            Self::Failed => f.write_str("Failed"),
        }
    }
}

/// The state of a slot. That a slot is being written is known to the one who writes it.
#[must_use]
pub fn state(facts: &Facts, number: SlotNumber) -> SlotState {
    let build = match facts.content(number) {
        Content::Empty | Content::Incomplete => return SlotState::Empty,
        Content::Damaged { .. } => return SlotState::Failed,
        Content::Complete(complete) => &complete.build,
    };
    if facts.failure(build.digest).is_some() {
        return SlotState::Failed;
    }
    match &facts.control {
        Some(control) => state_in(control, facts, number),
        None => SlotState::Staged,
    }
}

fn state_in(control: &Control, facts: &Facts, number: SlotNumber) -> SlotState {
    let flags = control.slot(number);
    let is = |named: Option<SlotNumber>| named == Some(number);
    let untouched = flags == sps_image::boot_control::SlotFlags::ON_TRIAL && facts.running != Some(number);
    if !flags.valid || !(is(control.first) || is(control.second)) {
        SlotState::Staged
    } else if !flags.good {
        if untouched {
            SlotState::Staged
        } else {
            SlotState::Trying(flags.tries.get())
        }
    } else if is(control.first) && control.second.is_some() && control.second != control.first {
        SlotState::Healthy
    } else {
        SlotState::Committed
    }
}
