//! May the new firmware follow the running one? Its rules say so, and what to install first.

use sps_image::upgrade_path::{Earlier, Refusal, Rule, judge};

use super::FIRMWARES;
use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let blocks = |problem: String, mend: &str| vec![Found::new(Severity::Blocks, FIRMWARES, problem, mend)];
    let (facts, candidate) = (&snapshot.facts, &snapshot.candidate);
    let Some(running) = &facts.running else {
        return blocks(
            "the running firmware does not say its version".to_owned(),
            "install the latest maintenance release of the running firmware first",
        );
    };
    let rules: Result<Vec<Rule>, _> = candidate.upgrade_from.iter().map(|rule| rule.parse()).collect();
    let rules = match rules {
        Ok(rules) => rules,
        Err(error) => {
            return blocks(
                error.to_string(),
                "download the firmware again; if that does not help, ask support",
            );
        }
    };
    let kept = facts
        .slots
        .iter()
        .any(|slot| slot.data_kept && slot.digest == candidate.digest);
    let earlier = if kept { Earlier::Kept } else { Earlier::Gone };
    match judge(&rules, running.version, candidate.version, earlier) {
        Ok(_) => Vec::new(),
        Err(refusal) => blocks(refusal.to_string(), mend(&refusal)),
    }
}

const fn mend(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::InstallFirst { .. } => "upgrade in the steps named, each with its own Test",
        Refusal::NoWay { .. } | Refusal::ToLts { .. } | Refusal::Older { .. } => {
            "stay with the running firmware until one of these ways is open"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{ready, severities, with};
    use crate::snapshot::Running;

    fn running(version: &str) -> Snapshot {
        with(|facts| {
            facts.running = Some(Running {
                version: version.parse().unwrap(),
                digest: String::new(),
            });
        })
    }

    #[test]
    fn what_the_rules_admit_passes_and_else_the_first_step_is_named() {
        for good in ["6.13.0", "6.0.11", "7.0.2", "7.0.3"] {
            assert_eq!(check(&running(good)), [], "{good}");
        }
        let found = check(&running("6.4.0"));
        assert_eq!(severities(&found), [Severity::Blocks]);
        assert!(found[0].problem.contains("install 6.9.4 first"), "{found:?}");
        assert_eq!(
            severities(&check(&with(|facts| facts.running = None))),
            [Severity::Blocks]
        );
    }

    #[test]
    fn a_kept_slot_is_returned_to_and_another_is_not() {
        assert_eq!(severities(&check(&running("7.1.0"))), [Severity::Blocks]);
        let mut kept = running("7.1.0");
        kept.facts.slots[1].data_kept = true;
        assert_eq!(check(&kept), []);
    }

    #[test]
    fn a_rule_that_cannot_be_understood_blocks() {
        let mut snapshot = ready();
        snapshot.candidate.upgrade_from.push("whenever".to_owned());
        let found = check(&snapshot);
        assert_eq!(severities(&found), [Severity::Blocks]);
        assert!(found[0].problem.contains("\"whenever\""), "{found:?}");
    }
}
