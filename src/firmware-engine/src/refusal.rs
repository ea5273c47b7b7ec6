//! Why something is not done, in a sentence for people, with the mend where there is one.

use sps_image::boot_control::{PROTOCOL, SlotNumber};
use sps_image::hex::Sha256Digest;
use sps_image::version::Version;
use thiserror::Error;

use crate::attempt::Cause;
use crate::state::SLOT_LIMIT;

/// Why a command is refused. Nothing was changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// It was started from a medium, or GRUB did not say from which slot.
    #[error("this is not an installed appliance: there are no firmware slots; install it first")]
    NotInstalled,
    /// Neither copy of the boot control is complete.
    #[error("the boot control is damaged; choose normal boot in rescue mode, which rebuilds it")]
    ControlLost,
    /// The same firmware is there already.
    #[error("firmware {version} is already in slot {slot}; activate it there")]
    AlreadyThere {
        /// Its version.
        version: Version,
        /// The slot.
        slot: SlotNumber,
    },
    /// This firmware failed before.
    #[error(
        "firmware {version} failed on this appliance: {cause}; to try it all the same, forget its failure first: \
         sps firmware forget {digest}"
    )]
    FailedBefore {
        /// Its version.
        version: Version,
        /// Its digest.
        digest: Sha256Digest,
        /// Why it failed.
        cause: Cause,
    },
    /// It can never follow what runs.
    #[error(transparent)]
    Path(#[from] sps_image::upgrade_path::Refusal),
    /// Nobody has tested it on this appliance.
    #[error("firmware {version} in slot {slot} has not been tested on this appliance: test it first")]
    NotTested {
        /// Its version.
        version: Version,
        /// The slot.
        slot: SlotNumber,
    },
    /// Its Test found what blocks.
    #[error(
        "firmware {version} in slot {slot} has not passed its Test: mend what blocks, then test it again"
    )]
    TestFailed {
        /// Its version.
        version: Version,
        /// The slot.
        slot: SlotNumber,
    },
    /// What its Test was made with is not what there is now.
    #[error("the Test of firmware {version} in slot {slot} does not hold any more: {changed}; test it again")]
    TestOutdated {
        /// Its version.
        version: Version,
        /// The slot.
        slot: SlotNumber,
        /// What has changed since.
        changed: String,
    },
    /// It needs a boot loader this appliance does not have.
    #[error(
        "firmware {version} needs boot protocol {needed}, this appliance's boot loader has {PROTOCOL}; install it \
         from its medium, keeping state and data"
    )]
    BootProtocol {
        /// Its version.
        version: Version,
        /// What it needs.
        needed: u32,
    },
    /// It does not fit into a slot.
    #[error(
        "firmware {version} needs {size} bytes in a slot, a slot holds {SLOT_LIMIT}; this appliance cannot use it"
    )]
    TooLarge {
        /// Its version.
        version: Version,
        /// Bytes.
        size: u64,
    },
    /// Every slot is in use.
    #[error("every slot is in use: commit the running firmware or delete a slot first")]
    NoSlot,
    /// There is nothing in the slot.
    #[error("slot {slot} is empty; add a firmware first")]
    Empty {
        /// The slot.
        slot: SlotNumber,
    },
    /// What is in the slot is damaged.
    #[error("slot {slot} is damaged: {reason}; delete it and add the firmware again")]
    Damaged {
        /// The slot.
        slot: SlotNumber,
        /// What is wrong.
        reason: String,
    },
    /// The slot boots next already.
    #[error("slot {slot} is already the one that boots next")]
    AlreadyNext {
        /// The slot.
        slot: SlotNumber,
    },
    /// The running firmware is on trial itself.
    #[error("the running firmware has not been healthy yet; wait until it is, or roll back")]
    RunningOnTrial,
    /// The slot is the one that runs.
    #[error("slot {slot} is running and cannot be deleted; activate another one and reboot first")]
    Runs {
        /// The slot.
        slot: SlotNumber,
    },
    /// The slot boots next.
    #[error("slot {slot} is the one that boots next; roll back or activate another one first")]
    BootsNext {
        /// The slot.
        slot: SlotNumber,
    },
    /// The slot is what the appliance falls back to.
    #[error("slot {slot} holds the firmware to fall back to; commit the running one first")]
    FallsBack {
        /// The slot.
        slot: SlotNumber,
    },
    /// There is nothing to commit.
    #[error("the running firmware is committed already")]
    NothingToCommit,
    /// Another slot was activated and waits for its first start.
    #[error("slot {slot} is activated and has not been started; reboot, or roll back to leave it")]
    Pending {
        /// The slot.
        slot: SlotNumber,
    },
    /// There is nothing to roll back to.
    #[error("there is no earlier firmware to roll back to; activate the slot you want instead")]
    NothingToRollBack,
    /// The firmware is not in the list of those that failed.
    #[error("no firmware with the digest {digest} has failed on this appliance; see sps firmware list")]
    NotFailed {
        /// The digest.
        digest: Sha256Digest,
    },
    /// Normal boot is a choice in rescue mode.
    #[error("this is not rescue mode: a reboot is a normal boot already")]
    NotRescue,
}
