//! Does the System monitor show a problem?

use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;
use crate::text::list;

const SETTING: &str = "System monitor";

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    match &snapshot.facts.problems {
        None => vec![Found::unknown(
            SETTING,
            "whether the System monitor shows problems",
        )],
        Some(problems) if problems.is_empty() => Vec::new(),
        Some(problems) => vec![Found::new(
            Severity::Warning,
            SETTING,
            format!("the System monitor shows: {}", list(problems)),
            "mend this first: after the upgrade nobody can tell it from a failure of the upgrade",
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{ready, severities, with};

    #[test]
    fn problems_are_repeated() {
        assert_eq!(check(&ready()), []);
        let found = check(&with(|facts| {
            facts.problems = Some(vec!["Disk usage 97 %".to_owned()]);
        }));
        assert_eq!(severities(&found), [Severity::Warning]);
        assert!(found[0].problem.contains("Disk usage 97 %"));
        assert_eq!(
            severities(&check(&with(|facts| facts.problems = None))),
            [Severity::Warning]
        );
    }
}
