//! Were the release notes read?

use super::FIRMWARES;
use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    if snapshot.facts.acknowledged.release_notes {
        return Vec::new();
    }
    vec![Found::new(
        Severity::Reminder,
        FIRMWARES,
        format!(
            "nobody confirmed to have read the release notes of {}",
            snapshot.candidate.version
        ),
        "read the Upgrade notes of the new firmware, and confirm it on the page of the upgrade",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{ready, severities, with};

    #[test]
    fn it_is_asked_until_it_is_confirmed() {
        assert_eq!(check(&ready()), []);
        let found = check(&with(|facts| facts.acknowledged.release_notes = false));
        assert_eq!(severities(&found), [Severity::Reminder]);
        assert!(found[0].problem.contains("7.0.3.1"));
    }
}
