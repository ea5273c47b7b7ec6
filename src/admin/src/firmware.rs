//! Firmware slots as people see them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::testing::Test;

/// Every slot, and what failed before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// The slots by their number.
    pub slots: Vec<Slot>,
    /// Firmware that failed; it is refused until it is forgotten.
    pub failed: Vec<FailedFirmware>,
    /// When the running firmware will be committed by itself, seconds since 1970; none when it is committed or
    /// committing is by hand.
    pub commit_at: Option<u64>,
    /// Firmware may be sent by SFTP and scp outside rescue.
    #[serde(default)]
    pub ssh_upload: bool,
}

/// One slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its number, from 1.
    pub number: u8,
    /// Its state.
    pub state: SlotState,
    /// Version of the firmware in it.
    pub version: Option<String>,
    /// Release channel, `lts` or `feature`.
    pub channel: Option<String>,
    /// SHA-256 of its manifest, hexadecimal.
    pub digest: Option<String>,
    /// Bytes it holds.
    pub bytes: u64,
    /// It is running.
    pub current: bool,
    /// It boots at the next reboot.
    pub after_reboot: bool,
    /// The last Test of the firmware in it.
    #[serde(default)]
    pub test: Option<Test>,
}

/// What the maker says of a firmware, from its manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// Its version.
    pub version: String,
    /// What an administrator must know before upgrading.
    pub upgrade_notes: String,
    /// What is new.
    pub upgrade_news: String,
    /// Build time, seconds since 1970.
    pub build_time: u64,
    /// From which versions it may be reached, as rules.
    pub upgrade_from: Vec<String>,
    /// The last day on which the maker supports it, `2027-03-31`, when that is fixed.
    pub supported_until: Option<String>,
}

/// State of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SlotState {
    /// Holds nothing.
    Empty,
    /// Is being filled.
    Writing,
    /// Holds verified firmware that does not boot.
    Staged,
    /// Boots on trial.
    Trying {
        /// Boots that are left.
        tries_left: u8,
    },
    /// Has been healthy and is not committed yet.
    Healthy,
    /// Known to be good.
    Committed,
    /// Failed; refused until it is forgotten.
    Failed {
        /// What failed.
        reason: String,
    },
}

/// Firmware that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedFirmware {
    /// SHA-256 of its manifest, hexadecimal.
    pub digest: String,
    /// Its version.
    pub version: String,
    /// What failed.
    pub reason: String,
}

/// Where a firmware file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FirmwareSource {
    /// A file the appliance can open.
    File(String),
    /// The file that has arrived last ([`crate::Operations::receive`]).
    Received,
    /// The file that was fetched, by its SHA-256.
    Fetched {
        /// Hexadecimal.
        sha256: String,
    },
    /// A whole device that is a firmware medium itself (a disc, a written stick), such as `sr0`.
    Device(String),
    /// A file on a medium.
    OnMedium {
        /// Device of the medium, such as `sdb1`.
        device: String,
        /// Path on it.
        path: String,
    },
}

/// A medium with firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Medium {
    /// Where to take it from.
    pub source: FirmwareSource,
    /// For people: `sr0: QEMU DVD-ROM`, `sdb1: sps-7.1.0.iso`.
    pub title: String,
    /// Version that the file says it is; not verified yet.
    pub version: Option<String>,
    /// Bytes.
    pub bytes: u64,
    /// Why nothing can be taken from it.
    #[serde(default)]
    pub problem: Option<String>,
}

impl fmt::Display for FirmwareSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path),
            Self::Received => f.write_str("(uploaded)"),
            Self::Fetched { .. } => f.write_str("(fetched)"),
            Self::Device(device) => write!(f, "medium in {device}"),
            Self::OnMedium { device, path } => write!(f, "{path} on {device}"),
        }
    }
}

impl fmt::Display for SlotState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Writing => f.write_str("Writing"),
            Self::Staged => f.write_str("Staged"),
            Self::Trying { tries_left } => write!(f, "Trying({tries_left})"),
            Self::Healthy => f.write_str("Healthy"),
            Self::Committed => f.write_str("Committed"),
            Self::Failed { .. } => f.write_str("Failed"),
        }
    }
}
