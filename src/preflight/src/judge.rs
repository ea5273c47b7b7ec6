//! Runs every check.

use crate::checks::CHECKS;
use crate::finding::{Finding, Severity};
use crate::report::{Reorganization, Report};
use crate::snapshot::{Snapshot, SnapshotError};
use crate::store::{Upgrade, upgrade};

/// Judges an appliance; `own` is the version of the firmware this code belongs to.
#[must_use]
pub fn judge(snapshot: &Snapshot, own: &str) -> Report {
    let findings = CHECKS.iter().flat_map(|(name, check)| {
        check(snapshot).into_iter().map(|found| Finding {
            check: (*name).to_owned(),
            severity: found.severity,
            setting: found.setting.into_owned(),
            problem: found.problem,
            mend: found.mend,
        })
    });
    Report::new(own, findings.collect()).with(reorganization(snapshot))
}

/// What becomes of the data store, where that can be said.
fn reorganization(snapshot: &Snapshot) -> Option<Reorganization> {
    let Upgrade::Planned(estimate) = upgrade(snapshot) else {
        return None;
    };
    Some(Reorganization {
        files: estimate.files,
        bytes: estimate.bytes,
        space: estimate.space,
        free: snapshot.facts.space.as_ref().map(|space| space.data_free),
        seconds: estimate.time.as_secs().max(1),
    })
}

/// The report when the snapshot cannot be read: nothing was judged, so it blocks.
#[must_use]
pub fn unreadable(error: &SnapshotError, own: &str) -> Report {
    let finding = Finding {
        check: "snapshot".to_owned(),
        severity: Severity::Blocks,
        setting: "Basic Settings > System > Firmwares".to_owned(),
        problem: error.to_string(),
        mend: "install the latest maintenance release of the running firmware first, then test again"
            .to_owned(),
    };
    Report::new(own, vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{neglected, ready};
    use crate::snapshot::{Candidate, Facts};

    fn shown(report: &Report) -> String {
        String::from_utf8(report.to_json().unwrap()).unwrap()
    }

    #[test]
    fn an_appliance_that_is_ready_passes_without_a_word() {
        let report = judge(&ready(), "7.0.3.1");
        assert_eq!(report.findings, []);
        assert!(report.passed());
    }

    #[test]
    fn the_report_on_a_neglected_appliance() {
        let report = judge(&neglected(), "7.0.3.1");
        assert!(!report.passed());
        insta::assert_snapshot!(shown(&report));
        assert_eq!(Report::from_json(&report.to_json().unwrap()).unwrap(), report);
    }

    #[test]
    fn what_an_early_firmware_does_not_say_is_said() {
        let Candidate { version, .. } = ready().candidate;
        let bare = Candidate {
            version,
            digest: String::new(),
            hardware: Vec::new(),
            upgrade_from: Vec::new(),
            data_layout: 0,
        };
        let snapshot = Snapshot::new(0, serde_json::Value::Null, Facts::default(), bare);
        insta::assert_snapshot!(shown(&judge(&snapshot, "7.0.3.1")));
    }

    #[test]
    fn what_cannot_be_read_blocks() {
        let error = Snapshot::from_json(b"{}").unwrap_err();
        assert!(!unreadable(&error, "7.0.3.1").passed());
    }
}
