//! The Test of a firmware as people see it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A Test that was made, the last one of a firmware.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// When, seconds since 1970.
    pub at: u64,
    /// Version of the firmware that was tested, whose code judged.
    pub version: String,
    /// Whether nothing was found that blocks.
    pub passed: bool,
    /// What has changed since, so that it has to be made again.
    pub outdated: Option<String>,
    /// What was found, what blocks first.
    pub findings: Vec<Finding>,
    /// What its first start makes of the data store; nothing when that stays as it is.
    #[serde(default)]
    pub reorganization: Option<Reorganization>,
}

/// What the first start of a firmware makes of the data store, as estimated by its Test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reorganization {
    /// Files that find a new place.
    pub files: u64,
    /// Bytes that are copied; the others are not touched.
    pub bytes: u64,
    /// Bytes that must be free.
    pub space: u64,
    /// Bytes that are free; nothing when nobody said.
    pub free: Option<u64>,
    /// Seconds it takes.
    pub seconds: u64,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The firmware cannot be activated.
    Blocks,
    /// It can; something will be lost or is at risk.
    Warning,
    /// Something only a person can know or do.
    Reminder,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// Name of the check.
    pub check: String,
    /// Where it is seen or set, in the words of the menus.
    pub setting: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

/// What the administrator confirms before a Test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Confirmed {
    /// The release notes were read.
    pub release_notes: bool,
    /// The data is backed up.
    pub data_backup: bool,
    /// A snapshot of the virtual machine was taken.
    pub snapshot: bool,
}

impl Severity {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 3] = [Self::Blocks, Self::Warning, Self::Reminder];

    /// The word on every surface.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Warning => "warning",
            Self::Reminder => "reminder",
        }
    }
}

impl Test {
    /// Findings of a weight.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// One line: `passed, 1 warning, 2 reminders`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counted = |count: usize, one: &str, more: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {more}")),
        };
        let parts = [
            Some(if self.passed { "passed" } else { "not passed" }.to_owned()),
            counted(self.count(Severity::Blocks), "finding blocks", "findings block"),
            counted(self.count(Severity::Warning), "warning", "warnings"),
            counted(self.count(Severity::Reminder), "reminder", "reminders"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(", ")
    }
}

impl fmt::Display for Confirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.release_notes, " notes-read"),
            (self.data_backup, " data-backed-up"),
            (self.snapshot, " snapshot-taken"),
        ];
        words
            .iter()
            .filter(|(said, _)| *said)
            .try_for_each(|(_, word)| f.write_str(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts_and_says_the_verdict_first() {
        let found = |severity| Finding {
            severity,
            check: "space".into(),
            setting: "Data".into(),
            problem: "full".into(),
            mend: "clean up".into(),
        };
        let mut test = Test {
            passed: true,
            ..Test::default()
        };
        assert_eq!(test.summary(), "passed");
        test.findings = vec![
            found(Severity::Warning),
            found(Severity::Reminder),
            found(Severity::Reminder),
        ];
        assert_eq!(test.summary(), "passed, 1 warning, 2 reminders");
        test.passed = false;
        test.findings.insert(0, found(Severity::Blocks));
        assert_eq!(
            test.summary(),
            "not passed, 1 finding blocks, 1 warning, 2 reminders"
        );
    }
}
