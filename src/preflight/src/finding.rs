//! One thing that a Test found: where, what, and what to do about it.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use crate::text::clean;

/// How much a finding weighs; the order is that of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The firmware cannot be activated.
    Blocks,
    /// It can; something will be lost or is at risk.
    Warning,
    /// Something only a person can know or do.
    Reminder,
}

impl<'de> Deserialize<'de> for Severity {
    /// Whatever is not understood blocks: a later firmware may know more kinds.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(match value.as_str() {
            Some("warning") => Self::Warning,
            Some("reminder") => Self::Reminder,
            _ => Self::Blocks,
        })
    }
}

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// Name of the check.
    pub check: String,
    /// How much it weighs.
    pub severity: Severity,
    /// Where it is seen or set, in the words of the menus.
    pub setting: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

/// What a finding is when the report does not say.
impl Default for Finding {
    fn default() -> Self {
        let unknown = || "-".to_owned();
        Self {
            check: unknown(),
            severity: Severity::Blocks,
            setting: unknown(),
            problem: "a finding that this firmware cannot read".to_owned(),
            mend: "read the upgrade notes of the new firmware, or ask support".to_owned(),
        }
    }
}

impl Finding {
    /// The same with texts that can be shown.
    pub(crate) fn cleaned(self) -> Self {
        Self {
            check: clean(&self.check),
            severity: self.severity,
            setting: clean(&self.setting),
            problem: clean(&self.problem),
            mend: clean(&self.mend),
        }
    }
}

/// What a check returns; its name is added by who runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) severity: Severity,
    pub(crate) setting: Cow<'static, str>,
    pub(crate) problem: String,
    pub(crate) mend: String,
}

impl Found {
    pub(crate) fn new(
        severity: Severity,
        setting: impl Into<Cow<'static, str>>,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            setting: setting.into(),
            problem: problem.into(),
            mend: mend.into(),
        }
    }

    /// The running firmware did not say: older ones know less. It cannot block, or nobody could leave such a firmware.
    pub(crate) fn unknown(setting: &'static str, what: &str) -> Self {
        Self::new(
            Severity::Warning,
            setting,
            format!("the running firmware does not say {what}"),
            "check it there yourself before you upgrade",
        )
    }
}
