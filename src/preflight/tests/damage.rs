//! Documents from other versions, cut and damaged at every byte: they are refused or judged, and what is shown is fit to be
//! shown. The documents are the seeds of the fuzz target.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use sps_preflight::{MAX_FINDINGS, Report, Snapshot, judge, unreadable};

const SNAPSHOT: &str = include_str!("../../../tests/fuzz/seeds/preflight/snapshot.json");
const REPORT: &str = include_str!("../../../tests/fuzz/seeds/preflight/report.json");

/// Every cut, and every byte replaced by one that ends a text, by a digit, and by one that is nothing anywhere.
fn damaged(text: &str) -> impl Iterator<Item = Vec<u8>> {
    let cuts = (0..text.len()).map(|end| text.as_bytes()[..end].to_vec());
    let changes = (0..text.len()).flat_map(move |at| {
        b"\"9\xff".iter().map(move |byte| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = *byte;
            bytes
        })
    });
    cuts.chain(changes)
}

fn assert_showable(report: &Report) {
    assert!(report.findings.len() <= MAX_FINDINGS);
    for finding in &report.findings {
        for text in [&finding.check, &finding.setting, &finding.problem, &finding.mend] {
            assert!(
                !text.chars().any(char::is_control) && text.chars().count() <= 2_001,
                "{text:?}"
            );
        }
    }
    let text = report.to_json().unwrap();
    assert_eq!(Report::from_json(&text).unwrap(), *report);
}

#[test]
fn a_damaged_snapshot_is_judged_or_blocks() {
    assert!(Snapshot::from_json(SNAPSHOT.as_bytes()).is_ok());
    for text in damaged(SNAPSHOT) {
        match Snapshot::from_json(&text) {
            Ok(snapshot) => {
                assert_showable(&judge(&snapshot, "1.0.0"));
                let again = Snapshot::from_json(&snapshot.to_json().unwrap()).unwrap();
                assert_eq!(again, snapshot);
            }
            Err(error) => {
                let report = unreadable(&error, "1.0.0");
                assert_showable(&report);
                assert!(!report.passed());
            }
        }
    }
}

#[test]
fn a_damaged_report_never_passes() {
    for text in damaged(REPORT) {
        if let Ok(report) = Report::from_json(&text) {
            assert_showable(&report);
            assert!(!report.passed(), "{}", String::from_utf8_lossy(&text));
        }
    }
}
