//! Snapshots and reports, which come from firmware of other versions: whatever is read is judged, and a report can always be
//! shown, bounded and clean, and is read back as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_preflight::{MAX_FINDINGS, Report, Snapshot, judge, unreadable};

fuzz_target!(|input: &[u8]| {
    let report = match Snapshot::from_json(input) {
        Ok(snapshot) => {
            if let Ok(text) = snapshot.to_json() {
                // Numbers with fractions in the configuration may come back with another last digit.
                let again = Snapshot::from_json(&text).ok().map(|again| (again.facts, again.candidate));
                assert_eq!(again, Some((snapshot.facts.clone(), snapshot.candidate.clone())));
            }
            judge(&snapshot, "1.0.0")
        }
        Err(error) => unreadable(&error, "1.0.0"),
    };
    showable(&report);
    if let Ok(report) = Report::from_json(input) {
        showable(&report);
    }
});

fn showable(report: &Report) {
    assert!(report.findings.len() <= MAX_FINDINGS);
    for finding in &report.findings {
        let texts = [&finding.check, &finding.setting, &finding.problem, &finding.mend];
        assert!(texts.iter().all(|text| !text.chars().any(char::is_control)));
        assert!(texts.iter().all(|text| text.chars().count() <= 2_001));
    }
    if let Ok(text) = report.to_json() {
        assert_eq!(Report::from_json(&text).ok().as_ref(), Some(report));
    }
}
