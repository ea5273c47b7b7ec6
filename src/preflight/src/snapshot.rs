//! What the running firmware knows of its appliance, and of the firmware to be judged.
//!
//! Written by one version and read by a later one. A field is never renamed nor given another meaning: it is added, and
//! may be missing. Only where an earlier reader would judge wrongly is [`FORMAT`] raised.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sps_image::day::Day;
use sps_image::hex::Sha256Digest;
use sps_image::manifest::Manifest;
use sps_image::upgrade_path::Rule;
use sps_image::version::Version;
use sps_licence::{Feature, Licence};
use thiserror::Error;

/// Format of the snapshot this code reads and writes.
pub(crate) const FORMAT: u32 = 1;
/// Longest snapshot: a large configuration has some hundred kilobytes.
pub const MAX_SIZE: usize = 8 * 1024 * 1024;

/// An appliance, as the running firmware sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Number of the format.
    pub format: u32,
    /// Revision of the configuration.
    #[serde(default)]
    pub revision: u64,
    /// The configuration, without secrets.
    #[serde(default)]
    pub configuration: serde_json::Value,
    /// Everything else.
    #[serde(default)]
    pub facts: Facts,
    /// The firmware to be judged.
    pub candidate: Candidate,
}

/// What the manifest says of the firmware to be judged. Rules are texts: an earlier firmware passes on what it may not
/// understand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its version.
    pub version: Version,
    /// Digest of its manifest: its name in the slots.
    #[serde(default)]
    pub digest: String,
    /// Hardware types it runs on.
    #[serde(default)]
    pub hardware: Vec<String>,
    /// From which versions it may be reached.
    #[serde(default)]
    pub upgrade_from: Vec<String>,
    /// Number of the data layout it works on.
    #[serde(default)]
    pub data_layout: u32,
}

/// What is known of the appliance; what is missing is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The running firmware.
    pub running: Option<Running>,
    /// Seconds since 1970.
    pub now: Option<u64>,
    /// Hardware type of the machine.
    pub hardware: Option<String>,
    /// Whether it is a virtual machine.
    pub virtual_machine: Option<bool>,
    /// Firmware slots that hold something.
    pub slots: Vec<Slot>,
    /// Room on the disk.
    pub space: Option<Space>,
    /// The data store.
    pub store: Option<DataStore>,
    /// The index of what sessions showed.
    pub content_index: Option<ContentIndex>,
    /// The configuration that lies on `data`.
    pub cluster: Option<ClusterConfiguration>,
    /// The licence.
    pub licence: Option<Licensing>,
    /// Files of the running firmware that were changed.
    pub tainted: Option<Vec<String>>,
    /// What the System monitor shows as a problem.
    pub problems: Option<Vec<String>>,
    /// The last backup of the configuration.
    pub configuration_backup: Option<LastBackup>,
    /// The last backup of the recorded data; nothing where no policy makes any.
    pub data_backup: Option<LastBackup>,
    /// State of the pair, in the words of the High availability page.
    pub high_availability: Option<String>,
    /// Installed plugins.
    pub plugins: Option<Vec<Plugin>>,
    /// Core files on the appliance.
    pub core_files: Option<Vec<CoreFile>>,
    /// What the administrator confirmed.
    pub acknowledged: Acknowledged,
}

/// The running firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its version.
    pub version: Version,
    /// Digest of its manifest.
    #[serde(default)]
    pub digest: String,
}

/// A firmware slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slot {
    /// Its number.
    pub number: u32,
    /// Digest of the manifest in it.
    pub digest: String,
    /// Whether the data is kept as this firmware left it.
    pub data_kept: bool,
}

/// Room on the disk, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Space {
    /// Free on `boot`.
    pub boot_free: u64,
    /// Size of `data`.
    pub data_total: u64,
    /// Free on `data`.
    pub data_free: u64,
    /// What the reorganization to the new data layout will need on `data`, if the running firmware has computed it.
    pub data_needed: Option<u64>,
}

/// The data store, counted, and how fast its disk is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataStore {
    /// Number of its layout.
    pub layout: u32,
    /// What there is of each kind, by its title.
    pub kinds: BTreeMap<String, Counted>,
    /// Hard links the disk makes in a second, measured.
    pub links_a_second: u64,
    /// Files it copies in a second beside their bytes.
    pub copies_a_second: u64,
    /// Bytes it copies in a second.
    pub bytes_a_second: u64,
}

/// How much there is of something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counted {
    /// Files.
    pub files: u64,
    /// Folders.
    pub folders: u64,
    /// Bytes, where they matter.
    pub bytes: u64,
    /// Bytes of the names.
    pub names: u64,
}

/// The index of what sessions showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContentIndex {
    /// Version of the indexer.
    pub version: u32,
    /// Sessions that it has indexed.
    pub sessions: u64,
}

/// The configuration that lies on `data`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterConfiguration {
    /// Layout that it has.
    pub layout: u32,
    /// The document, without secrets.
    pub document: serde_json::Value,
}

/// Whether there is a licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Licensing {
    /// None: it is a demo.
    Demo,
    /// This one.
    Licence(LicenceFacts),
}

/// What counts of a licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceFacts {
    /// Its number.
    #[serde(default)]
    pub serial: String,
    /// First day.
    pub valid_from: Day,
    /// Last day, if it ends.
    #[serde(default)]
    pub valid_until: Option<Day>,
    /// Major numbers of the LTS it covers.
    #[serde(default)]
    pub lts: Vec<u32>,
    /// Licensed features.
    #[serde(default)]
    pub features: Vec<Feature>,
}

/// When there was a backup last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LastBackup {
    /// There was none.
    Never,
    /// Seconds since 1970.
    At(u64),
}

/// A plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// Its version, however it writes it.
    #[serde(default)]
    pub version: String,
    /// Number of the plugin interface it needs.
    pub api: u32,
}

/// What a crashed process left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreFile {
    /// Its name.
    pub name: String,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
}

/// What the administrator confirmed before the Test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Acknowledged {
    /// The release notes were read.
    pub release_notes: bool,
    /// The data is backed up.
    pub data_backup: bool,
    /// A snapshot of the virtual machine was taken.
    pub snapshot: bool,
}

/// Why a snapshot cannot be judged.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// It is too long.
    #[error("the snapshot of the appliance has more than {MAX_SIZE} bytes")]
    TooLong,
    /// It is of another format.
    #[error("the snapshot of the appliance has format {format}, the new firmware knows format {FORMAT}")]
    Format {
        /// The format found.
        format: u32,
    },
    /// It is not the JSON expected.
    #[error("the snapshot of the appliance cannot be read: {0}")]
    Json(serde_json::Error),
}

/// Only the format, so that a newer snapshot is named as such.
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

impl Snapshot {
    /// A snapshot in today's format.
    #[must_use]
    pub const fn new(
        revision: u64,
        configuration: serde_json::Value,
        facts: Facts,
        candidate: Candidate,
    ) -> Self {
        Self {
            format: FORMAT,
            revision,
            configuration,
            facts,
            candidate,
        }
    }

    /// The bytes handed to the new firmware.
    ///
    /// # Errors
    /// When it is longer than a reader accepts.
    pub fn to_json(&self) -> Result<Vec<u8>, SnapshotError> {
        let text = serde_json::to_vec(self).map_err(SnapshotError::Json)?;
        if text.len() > MAX_SIZE {
            return Err(SnapshotError::TooLong);
        }
        Ok(text)
    }

    /// Reads a snapshot; unknown fields are passed over.
    ///
    /// # Errors
    /// When it is too long, of another format, or not the JSON expected.
    pub fn from_json(text: &[u8]) -> Result<Self, SnapshotError> {
        if text.len() > MAX_SIZE {
            return Err(SnapshotError::TooLong);
        }
        let FormatOnly { format } = serde_json::from_slice(text).map_err(SnapshotError::Json)?;
        if format != FORMAT {
            return Err(SnapshotError::Format { format });
        }
        serde_json::from_slice(text).map_err(SnapshotError::Json)
    }
}

impl Candidate {
    /// What a verified manifest says; `digest` is the manifest's.
    #[must_use]
    pub fn of(manifest: &Manifest, digest: Sha256Digest) -> Self {
        Self {
            version: manifest.version,
            digest: digest.to_string(),
            hardware: manifest.hardware.clone(),
            upgrade_from: manifest.upgrade_from.iter().map(Rule::to_string).collect(),
            data_layout: manifest.data_layout,
        }
    }
}

impl From<&Licence> for LicenceFacts {
    fn from(licence: &Licence) -> Self {
        Self {
            serial: licence.serial.clone(),
            valid_from: licence.valid_from,
            valid_until: licence.valid_until,
            lts: licence.lts.clone(),
            features: licence.features.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::ready;

    #[test]
    fn a_snapshot_is_read_back_and_what_is_new_is_passed_over() {
        let snapshot = ready();
        let text = snapshot.to_json().unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&snapshot).unwrap());
        assert_eq!(Snapshot::from_json(&text).unwrap(), snapshot);
        let text = String::from_utf8(text).unwrap();
        let newer = text
            .replacen('{', "{\"novel\": [1], ", 1)
            .replace("\"space\":{", "\"space\":{\"novel\":null,");
        assert_eq!(Snapshot::from_json(newer.as_bytes()).unwrap(), snapshot);
    }

    #[test]
    fn an_early_firmware_may_know_nothing_but_the_candidate() {
        let text = br#"{"format": 1, "candidate": {"version": "7.0.3"}}"#;
        let snapshot = Snapshot::from_json(text).unwrap();
        assert_eq!(snapshot.facts, Facts::default());
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let deep = format!(r#"{{"format": 1, "configuration": {}"#, "[".repeat(100_000));
        let texts = [
            &b""[..],
            b"[]",
            br#"{"format": 2}"#,
            br#"{"format": 1}"#,
            br#"{"format": 1, "candidate": {"version": "7"}}"#,
            deep.as_bytes(),
            &vec![b' '; MAX_SIZE + 1],
        ];
        let said = texts.map(|text| Snapshot::from_json(text).unwrap_err().to_string() + "\n");
        insta::assert_snapshot!(said.concat());
    }
}
