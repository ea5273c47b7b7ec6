//! Installing: disks and what would happen to them.

use serde::{Deserialize, Serialize};

/// A disk of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// The kernel's name, such as `sda` or `nvme0n1`.
    pub name: String,
    /// Maker and model.
    pub model: String,
    /// Serial number, when the disk tells one.
    pub serial: Option<String>,
    /// Bytes.
    pub bytes: u64,
    /// What is on it.
    pub content: DiskContent,
    /// Why it cannot be installed to: the medium itself, too small, read-only, in use.
    pub refused: Option<String>,
}

/// What is on a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DiskContent {
    /// Nothing that is known.
    Blank,
    /// An appliance.
    Appliance {
        /// Host name, when it can be read.
        host_name: Option<String>,
        /// Version of its firmware, when it can be read.
        version: Option<String>,
        /// Its `state` and `data` can be kept.
        can_keep: bool,
    },
    /// A partition table that cannot be read; it was an appliance's if something of it can be kept.
    Damaged {
        /// `state` and `data` lie where every appliance has them and can be kept.
        can_keep: bool,
    },
    /// Something else.
    Other {
        /// For people: `3 partitions: ntfs, ntfs, vfat`.
        summary: String,
    },
}

impl DiskContent {
    /// Whether an installation can keep configuration and data.
    #[must_use]
    pub fn can_keep(&self) -> bool {
        matches!(
            self,
            Self::Appliance { can_keep: true, .. } | Self::Damaged { can_keep: true }
        )
    }
}

/// What installing to a disk would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstallPlan {
    /// The disk.
    pub disk: Disk,
    /// `state` and `data` stay.
    pub keep_data: bool,
    /// Version that would be installed.
    pub version: String,
    /// Steps in order.
    pub steps: Vec<InstallStep>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstallStep {
    /// For people: `write the partition table`.
    pub what: String,
    /// Something that was there is lost.
    pub destroys: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_table_does_not_cost_the_data() {
        let damaged = DiskContent::Damaged { can_keep: true };
        assert!(damaged.can_keep());
        assert!(crate::text::content(&damaged).contains("appliance"));
        assert!(!DiskContent::Damaged { can_keep: false }.can_keep());
        assert!(!DiskContent::Blank.can_keep());
    }
}
