//! What does the licence mean for the new firmware? An upgrade goes on with the old licence, so this never blocks.

use sps_image::day::Day;
use sps_licence::{Feature, State, coverage, state};

use crate::finding::{Found, Severity};
use crate::snapshot::{LicenceFacts, Licensing, Snapshot};
use crate::text::list;

const SETTING: &str = "Basic Settings > System > License";

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let licence = match &snapshot.facts.licence {
        None => return vec![Found::unknown(SETTING, "which licence it has")],
        Some(Licensing::Demo) => return Vec::new(),
        Some(Licensing::Licence(licence)) => licence,
    };
    let now = snapshot.facts.now.map(Day::of);
    let validity = now.and_then(|today| validity(licence, today));
    lost(snapshot, licence).into_iter().chain(validity).collect()
}

/// What is lost until there is a licence for the new LTS.
fn lost(snapshot: &Snapshot, licence: &LicenceFacts) -> Option<Found> {
    let coverage = coverage(&licence.lts, &licence.features, snapshot.candidate.version);
    let lts = coverage.lts;
    if coverage.covered {
        return None;
    }
    let mend = format!("upgrade with this licence, and upload one for {lts} LTS afterwards");
    let covers = list(licence.lts.iter().map(u32::to_string));
    let problem = format!("the licence is for {covers} LTS, the new firmware counts as {lts} LTS");
    if coverage.lost.is_empty() {
        return Some(Found::new(Severity::Reminder, SETTING, problem, mend));
    }
    let lost = list(coverage.lost.iter().map(Feature::title));
    Some(Found::new(
        Severity::Warning,
        SETTING,
        format!("{problem}; lost until there is one for it: {lost}"),
        mend,
    ))
}

fn validity(licence: &LicenceFacts, today: Day) -> Option<Found> {
    let problem = match state(licence.valid_from, licence.valid_until, today) {
        State::Valid(_) => return None,
        State::NotYet(days) => format!(
            "the licence becomes valid in {days} days, on {}",
            licence.valid_from
        ),
        State::Expired(days) => format!("the licence expired {days} days ago: its features are off"),
    };
    Some(Found::new(
        Severity::Warning,
        SETTING,
        problem,
        "upload a valid licence",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{licence, ready, severities, with};

    fn licensed(licensing: Option<Licensing>) -> Vec<Found> {
        check(&with(|facts| facts.licence = licensing))
    }

    #[test]
    fn a_licence_for_the_old_lts_warns_and_names_what_is_lost() {
        assert_eq!(check(&ready()), []);
        let old = LicenceFacts {
            lts: vec![6],
            ..licence()
        };
        let found = licensed(Some(Licensing::Licence(old.clone())));
        assert_eq!(severities(&found), [Severity::Warning]);
        assert!(
            found[0]
                .problem
                .contains("user behaviour analytics, central management"),
            "{found:?}"
        );
        assert!(found[0].mend.contains("upload one for 7 LTS afterwards"));
        let plain = LicenceFacts {
            features: Vec::new(),
            ..old
        };
        let found = licensed(Some(Licensing::Licence(plain)));
        assert_eq!(severities(&found), [Severity::Reminder]);
    }

    #[test]
    fn days_are_judged_and_a_demo_loses_nothing() {
        let ends = |day: &str| {
            licensed(Some(Licensing::Licence(LicenceFacts {
                valid_until: day.parse().ok(),
                ..licence()
            })))
        };
        assert_eq!(ends("2026-06-01"), [], "its last day");
        assert!(ends("2026-05-31")[0].problem.contains("expired 1 days ago"));
        let later = LicenceFacts {
            valid_from: "2026-06-11".parse().unwrap(),
            ..licence()
        };
        let found = licensed(Some(Licensing::Licence(later)));
        assert!(found[0].problem.contains("in 10 days"), "{found:?}");
        assert_eq!(licensed(Some(Licensing::Demo)), []);
        assert_eq!(severities(&licensed(None)), [Severity::Warning]);
    }
}
