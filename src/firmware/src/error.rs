//! What can go wrong with slots, boot control and records.

use std::io;

use sps_firmware_engine::Refusal;
use sps_image::boot_control::Copy;
use sps_image::keys::KeyId;
use sps_image::verify::{self, VerifyError};
use thiserror::Error;

/// Why something about firmware could not be done. Unless it says otherwise, everything is as before.
#[derive(Debug, Error)]
pub enum FirmwareError {
    /// Another change is under way.
    #[error("busy: another change of the firmware is under way; try again when it is done")]
    Busy,
    /// It is not allowed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The firmware is not one of ours, or damaged.
    #[error("the firmware was not added")]
    Verify(#[source] VerifyError),
    /// It is signed with a key that the running firmware does not know.
    #[error(
        "the firmware was not added: it is signed with the key {key}, which this appliance does not trust; \
             take firmware from the same maker"
    )]
    UntrustedKey {
        /// Id of that key.
        key: KeyId,
    },
    /// What was verified is not what was read for writing.
    #[error("the firmware changed while it was read; nothing of it is kept, use another medium")]
    SourceChanged,
    /// The source of the firmware could not be read any more.
    #[error("the firmware could not be read to its end: check the medium")]
    Source(#[source] io::Error),
    /// It was called off.
    #[error("the firmware was not added: it was called off")]
    CalledOff,
    /// Larger than any firmware.
    #[error(
        "a file of {size} bytes is no firmware: one has at most {}",
        sps_image::manifest::MAX_IMAGE
    )]
    TooLarge {
        /// Bytes announced, or that have arrived.
        size: u64,
    },
    /// No room on `boot`.
    #[error(
        "there is not enough room for the firmware: {needed} bytes are needed, {free} are free; delete a slot that is not needed"
    )]
    NoRoom {
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// What was written is not what is read back.
    #[error("{file} is not on the disk as it was written: the disk may be failing")]
    ReadBack {
        /// The file.
        file: String,
    },
    /// The folder of the slots is not there or is none.
    #[error(
        "the folder slots on the boot partition cannot be used; install the appliance anew, keeping state and data"
    )]
    SlotsFolder(#[source] io::Error),
    /// The boot partition or the state partition could not be opened.
    #[error("the file system at {path} cannot be used")]
    Open {
        /// Where it is mounted.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A slot could not be written.
    #[error("{file} could not be written")]
    Write {
        /// The file, from the top of `boot`.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A slot could not be read.
    #[error("{file} could not be read")]
    Read {
        /// The file, from the top of `boot`.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A slot could not be emptied.
    #[error("slot {slot} could not be emptied")]
    Clear {
        /// The slot.
        slot: u8,
        /// What the system said.
        source: io::Error,
    },
    /// The list of failed firmware could not be written.
    #[error("the list of failed firmware could not be written to the boot partition")]
    FailedList(#[source] io::Error),
    /// The boot partition could not be frozen.
    #[error("the boot loader may not see the change: the boot partition could not be frozen")]
    Freeze(#[source] io::Error),
    /// A copy of the boot control could not be read.
    #[error("copy {copy} of the boot control could not be read")]
    ReadControl {
        /// The copy.
        copy: Copy,
        /// What the system said.
        source: io::Error,
    },
    /// A copy of the boot control could not be written.
    #[error(
        "copy {copy} of the boot control could not be written; what boots next is uncertain, see firmware list"
    )]
    WriteControl {
        /// The copy.
        copy: Copy,
        /// What the system said.
        source: io::Error,
    },
    /// A record on `state` could not be written. What it is a record of has been done.
    #[error("{name} could not be written to the state partition")]
    Record {
        /// The file.
        name: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A record on `state` could not be made into text.
    #[error("{name} could not be put into words")]
    Encode {
        /// The file.
        name: &'static str,
        /// What the encoder said.
        source: serde_json::Error,
    },
}

impl From<VerifyError> for FirmwareError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Refused(verify::Refusal::UnknownKey { key }) => Self::UntrustedKey { key },
            other => Self::Verify(other),
        }
    }
}
