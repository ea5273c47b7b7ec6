//! Only the administrator knows whether the data is backed up elsewhere.

use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;

const SETTING: &str = "Policies > Backup & Archive";

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    if snapshot.facts.acknowledged.data_backup {
        return Vec::new();
    }
    vec![Found::new(
        Severity::Reminder,
        SETTING,
        "nobody confirmed that the recorded data is backed up",
        "back the data up, and confirm it on the page of the upgrade",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{ready, severities, with};

    #[test]
    fn it_is_asked_until_it_is_confirmed() {
        assert_eq!(check(&ready()), []);
        let found = check(&with(|facts| facts.acknowledged.data_backup = false));
        assert_eq!(severities(&found), [Severity::Reminder]);
    }
}
