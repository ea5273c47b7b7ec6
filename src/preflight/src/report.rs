//! What the new firmware answers.
//!
//! Read by an earlier firmware than the one that wrote it: whatever the reader does not understand blocks, and every text
//! is made fit to be shown. Number 1 stays as long as firmware that asks for it may be upgraded directly.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::finding::{Finding, Severity};
use crate::text::clean;

/// Format of the report this code reads and writes.
const FORMAT: u32 = 1;
/// Longest report that is read: as many findings as are shown, with texts as long as they may be, fit in.
const MAX_SIZE: usize = 4 * 1024 * 1024;
/// Findings that are shown; more than a person reads.
pub const MAX_FINDINGS: usize = 100;

/// The answer of the new firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    format: u32,
    /// Version of the firmware that judged.
    pub judge: String,
    /// What it found, what blocks first.
    pub findings: Vec<Finding>,
    /// What its first start makes of the data store; nothing when that stays as it is, or is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reorganization: Option<Reorganization>,
}

/// What the first start makes of the data store, as estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reorganization {
    /// Files that find a new place.
    pub files: u64,
    /// Bytes that are copied; the others are not touched.
    pub bytes: u64,
    /// Bytes that must be free.
    pub space: u64,
    /// Bytes that are free; nothing when nobody said.
    #[serde(default)]
    pub free: Option<u64>,
    /// Seconds it takes.
    pub seconds: u64,
}

/// Why a report cannot be used; the firmware has not passed its Test then.
#[derive(Debug, Error)]
pub enum ReportError {
    /// It is too long.
    #[error("the report of the new firmware has {size} bytes, at most {MAX_SIZE} are read; ask support")]
    TooLong {
        /// Bytes found.
        size: usize,
    },
    /// It is of another format.
    #[error(
        "the report of the new firmware has format {format}, the running one knows {FORMAT}: go over a version between them"
    )]
    Format {
        /// The format found.
        format: u32,
    },
    /// It is not the JSON expected.
    #[error("the report of the new firmware cannot be read: {0}")]
    Json(serde_json::Error),
}

/// A report as it comes: each finding is looked at on its own.
#[derive(Deserialize)]
struct Raw {
    format: u32,
    #[serde(default)]
    judge: Value,
    findings: Vec<Value>,
    #[serde(default)]
    reorganization: Value,
}

impl Report {
    /// A report in today's format: bounded, clean, and in the order in which it is shown.
    #[must_use]
    pub fn new(judge: &str, findings: Vec<Finding>) -> Self {
        let mut findings: Vec<Finding> = findings.into_iter().map(Finding::cleaned).collect();
        findings.sort_by_key(|finding| finding.severity);
        // What blocks comes first and so is never cut off altogether.
        findings.truncate(MAX_FINDINGS);
        Self {
            format: FORMAT,
            judge: clean(judge),
            findings,
            reorganization: None,
        }
    }

    /// The report with what becomes of the data store.
    #[must_use]
    pub const fn with(mut self, reorganization: Option<Reorganization>) -> Self {
        self.reorganization = reorganization;
        self
    }

    /// Whether the firmware may be activated.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Blocks)
    }

    /// The bytes handed back.
    ///
    /// # Errors
    /// Never in practice: the fields are texts.
    pub fn to_json(&self) -> Result<Vec<u8>, ReportError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(ReportError::Json)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads a report.
    ///
    /// # Errors
    /// When it is too long, of another format, or not the JSON expected.
    pub fn from_json(text: &[u8]) -> Result<Self, ReportError> {
        if text.len() > MAX_SIZE {
            return Err(ReportError::TooLong { size: text.len() });
        }
        let raw: Raw = serde_json::from_slice(text).map_err(ReportError::Json)?;
        if raw.format != FORMAT {
            return Err(ReportError::Format { format: raw.format });
        }
        let finding = |value| serde_json::from_value(value).unwrap_or_default();
        let findings = raw.findings.into_iter().map(finding).collect();
        // It is shown and decides nothing: what blocks is a finding.
        let reorganization = serde_json::from_value(raw.reorganization).ok();
        Ok(Self::new(raw.judge.as_str().unwrap_or("unknown"), findings).with(reorganization))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(findings: &str) -> Report {
        let text = format!(r#"{{"format": 1, "judge": "9.0.0", "novel": 1, "findings": [{findings}]}}"#);
        Report::from_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_not_understood_blocks() {
        let severity = |severity: &str| {
            read(&format!(
                r#"{{"check": "x", "severity": {severity}, "problem": "p"}}"#
            ))
            .findings[0]
                .severity
        };
        assert_eq!(severity("\"warning\""), Severity::Warning);
        assert_eq!(severity("\"reminder\""), Severity::Reminder);
        for other in [
            "\"blocks\"",
            "\"fatal\"",
            "\"Warning\"",
            "3",
            "null",
            "{\"warning\": 1}",
        ] {
            assert_eq!(severity(other), Severity::Blocks, "{other}");
        }
        for other in [
            r#"{"check": "x"}"#,
            r#""text""#,
            "null",
            r#"{"severity": "warning", "mend": 7}"#,
        ] {
            assert!(!read(other).passed(), "{other}");
        }
        assert!(read("").passed());
        let light = r#"{"severity": "reminder"}, {"severity": "warning", "novel": []}"#;
        let report = read(light);
        assert!(report.passed());
        assert_eq!(report.findings[0].severity, Severity::Warning, "in order");
    }

    #[test]
    fn an_estimate_that_is_not_understood_is_none() {
        let read = |estimate: &str| {
            let text = format!(r#"{{"format": 1, "findings": [], "reorganization": {estimate}}}"#);
            Report::from_json(text.as_bytes()).unwrap().reorganization
        };
        let told = Reorganization {
            files: 7,
            bytes: 8,
            space: 9,
            free: None,
            seconds: 10,
        };
        let whole = r#"{"files": 7, "bytes": 8, "space": 9, "seconds": 10, "novel": 1}"#;
        assert_eq!(read(whole), Some(told));
        for other in [
            "null",
            "7",
            "{}",
            r#"{"files": -1, "bytes": 8, "space": 9, "seconds": 10}"#,
        ] {
            assert_eq!(read(other), None, "{other}");
        }
        let report = Report::new("9.0.0", Vec::new()).with(Some(told));
        assert_eq!(Report::from_json(&report.to_json().unwrap()).unwrap(), report);
    }

    #[test]
    fn texts_are_bounded_and_clean_and_a_long_report_still_blocks() {
        let nasty = format!(
            r#"{{"severity": "warning", "problem": "a\u001b[2J\u202eb", "mend": "{}"}},"#,
            "m".repeat(5_000)
        );
        let many = nasty.repeat(MAX_FINDINGS + 5) + r#"{"severity": "novel"}"#;
        let report = read(&many);
        assert_eq!(report.findings.len(), MAX_FINDINGS);
        assert!(!report.passed(), "what came last blocks");
        assert_eq!(report.findings[1].problem, "a[2Jb");
        assert!(report.findings[1].mend.chars().count() < 2_100);
        assert!(Report::from_json(&report.to_json().unwrap()).unwrap() == report);
    }

    #[test]
    fn the_longest_report_there_is_can_be_read() {
        let longest = "\u{1f600}".repeat(3_000);
        let finding = Finding {
            check: longest.clone(),
            severity: Severity::Warning,
            setting: longest.clone(),
            problem: longest.clone(),
            mend: longest,
        };
        let report = Report::new("1.0.0", vec![finding; MAX_FINDINGS + 1]);
        assert_eq!(Report::from_json(&report.to_json().unwrap()).unwrap(), report);
    }

    #[test]
    fn a_report_that_is_none_is_refused() {
        let long = vec![b' '; MAX_SIZE + 1];
        let texts = [
            &b""[..],
            br#"{"format": 1}"#,
            br#"{"format": 2, "findings": []}"#,
            br#"{"format": 1, "findings": {}}"#,
            &long,
        ];
        let said = texts.map(|text| Report::from_json(text).unwrap_err().to_string() + "\n");
        insta::assert_snapshot!(said.concat());
    }
}
