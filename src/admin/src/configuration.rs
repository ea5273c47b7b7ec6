//! The configuration of the cluster: its settings by path, what changed them, and a file that carries all of them.
//!
//! No secret is in anything that comes back but an export with a password: the mark `[redacted]` stands there, and where it is sent
//! back the secret that is there stays.

mod given;
mod rules;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;

pub use given::Given;
pub use rules::{SettingsChange, settings_objection};

/// Longest exported configuration that is taken or made, bytes: some two thousand certificates.
pub const CONFIGURATION_BYTES: usize = 4 * 1024 * 1024;
/// Most edits of one change: what a program can collect in a transaction.
pub const MOST_EDITS: usize = 500;

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ConfigurationEdit {
    /// Sets what is at a path; in a list or among names it may be new.
    Set {
        /// Where, `management/disk_fill_up_prevention/enabled`.
        path: String,
        /// What.
        value: Given,
    },
    /// Removes an object of a list or among names; elsewhere nothing is set then.
    Delete {
        /// Where.
        path: String,
    },
}

impl ConfigurationEdit {
    /// Where.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Set { path, .. } | Self::Delete { path } => path,
        }
    }
}

/// A part of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationPart {
    /// Revision it is of.
    pub revision: u64,
    /// Where it is; empty for all of it.
    pub path: String,
    /// What is set there; secrets are marks.
    pub value: Value,
    /// Secrets that cannot be used, with the reason and the mend.
    pub lost: Vec<String>,
    /// A change must say why.
    pub message_required: bool,
}

/// A revision of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationRevision {
    /// Its number.
    pub revision: u64,
    /// Wall clock, seconds since 1970.
    pub time: u64,
    /// Who, and from where: `admin by web from 192.0.2.9`.
    pub who: String,
    /// Why, in the asker's words; may be empty.
    pub message: String,
    /// Paths of the values that changed.
    pub paths: Vec<String>,
}

/// A value that differs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingDifference {
    /// Where.
    pub path: String,
    /// What was there; secrets are marks. None: nothing.
    pub before: Option<Value>,
    /// What is there.
    pub after: Option<Value>,
}

/// What differs between two revisions, or what a change did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationChanges {
    /// The earlier revision.
    pub from: u64,
    /// The later one; none: it is not in force.
    pub to: Option<u64>,
    /// Value by value; none: nothing differs.
    pub differences: Vec<SettingDifference>,
    /// What a person should know besides.
    pub notes: Vec<String>,
}

/// An exported configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationExport {
    /// Name for its file.
    pub name: String,
    /// The file.
    pub file: ConfigurationFile,
    /// Secrets that are not in it although it is encrypted: this appliance cannot use them itself.
    pub left_out: Vec<String>,
}

/// What an import does, or would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationImport {
    /// Version of the firmware that made the file.
    pub product: String,
    /// Layout of the configuration in it.
    pub layout: u32,
    /// Revision it was.
    pub revision: u64,
    /// Secrets that are not in it, with the mend.
    pub left_out: Vec<String>,
    /// What it changes, and what the migration from an earlier layout dropped.
    pub changes: ConfigurationChanges,
}

/// An exported configuration as it was given; nothing of it is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConfigurationFile(String);

impl ConfigurationFile {
    /// The file with this content.
    ///
    /// # Errors
    /// It is longer than any export, or no text.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Failure> {
        if bytes.len() > CONFIGURATION_BYTES {
            return Err(Self::too_long());
        }
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| {
            Failure::invalid("this is no exported configuration: choose the file as it was exported")
        })?;
        Ok(Self(text))
    }

    /// Why a longer file is refused.
    #[must_use]
    pub fn too_long() -> Failure {
        Failure::invalid(format!(
            "this is no exported configuration: it has more than {CONFIGURATION_BYTES} bytes; choose the file as it was exported"
        ))
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ConfigurationFile {
    type Error = Failure;

    fn try_from(text: String) -> Result<Self, Failure> {
        Self::new(text.into_bytes())
    }
}

impl From<ConfigurationFile> for String {
    fn from(file: ConfigurationFile) -> Self {
        file.0
    }
}

/// Edits in a few words, for the log of actions: paths and no values.
pub(crate) fn title(edits: &[ConfigurationEdit]) -> String {
    const SHOWN: usize = 3;
    let word = |edit: &ConfigurationEdit| match edit {
        ConfigurationEdit::Set { path, .. } => format!("set {}", shown(path)),
        ConfigurationEdit::Delete { path } => format!("delete {}", shown(path)),
    };
    let words: Vec<String> = edits.iter().take(SHOWN).map(word).collect();
    let more = match edits.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("configuration {}{more}", words.join(", "))
}

/// A path of the asker, bounded.
pub(crate) fn shown(path: &str) -> String {
    const MOST: usize = 120;
    if path.is_empty() {
        return "everything".into();
    }
    path.chars().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn titles_hold_paths_and_no_values() {
        let set = |path: &str| ConfigurationEdit::Set {
            path: path.into(),
            value: Given::new(json!({"plain": "hunter2"})),
        };
        let edits = [
            set("a/b"),
            ConfigurationEdit::Delete { path: "c".into() },
            set("d"),
            set("e"),
        ];
        assert_eq!(title(&edits), "configuration set a/b, delete c, set d and 1 more");
        assert!(!format!("{edits:?}").contains("hunter2"));
        let line = serde_json::to_string(&edits[0]).unwrap();
        assert_eq!(
            serde_json::from_str::<ConfigurationEdit>(&line).unwrap(),
            edits[0]
        );
    }

    #[test]
    fn only_texts_of_some_size_can_be_exports() {
        let file = ConfigurationFile::new(b"{}".to_vec()).unwrap();
        let line = serde_json::to_string(&file).unwrap();
        assert_eq!(serde_json::from_str::<ConfigurationFile>(&line).unwrap(), file);
        assert!(ConfigurationFile::new(vec![b' '; CONFIGURATION_BYTES + 1]).is_err());
        assert!(ConfigurationFile::new(vec![0xff, 0xfe]).is_err());
    }
}
