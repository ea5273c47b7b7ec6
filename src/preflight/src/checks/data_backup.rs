//! Is the recorded data backed up, and lately? Where no policy makes backups only the administrator knows.

use crate::finding::{Found, Severity};
use crate::snapshot::{LastBackup, Snapshot};

const SETTING: &str = "Policies > Backup & Archive";
/// Seconds after which a backup counts as old: policies run each day, and a run may take a while.
const OLD: u64 = DAY + DAY / 4;
const DAY: u64 = 24 * 60 * 60;

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let facts = &snapshot.facts;
    let problem = match (facts.data_backup, facts.now) {
        (Some(LastBackup::Never), _) => "no backup of the recorded data has succeeded yet".to_owned(),
        (Some(LastBackup::At(last)), Some(now)) => match now.saturating_sub(last) {
            age if age <= OLD => return Vec::new(),
            age => format!(
                "the last backup of the recorded data is {} days old",
                age.div_ceil(DAY)
            ),
        },
        (Some(LastBackup::At(_)), None) => {
            return vec![Found::unknown(SETTING, "how old the last backup is")];
        }
        (None, _) if facts.acknowledged.data_backup => return Vec::new(),
        (None, _) => {
            return vec![Found::new(
                Severity::Reminder,
                SETTING,
                "nobody confirmed that the recorded data is backed up",
                "back the data up, and confirm it on the page of the upgrade",
            )];
        }
    };
    vec![Found::new(
        Severity::Reminder,
        SETTING,
        problem,
        "run a backup policy now, and see that it succeeds",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{ready, severities, with};

    #[test]
    fn it_is_asked_until_it_is_confirmed() {
        assert_eq!(check(&ready()), []);
        let found = |confirmed| {
            check(&with(|facts| {
                facts.data_backup = None;
                facts.acknowledged.data_backup = confirmed;
            }))
        };
        assert_eq!(found(true), []);
        assert_eq!(severities(&found(false)), [Severity::Reminder]);
    }

    #[test]
    fn where_a_policy_makes_backups_the_last_one_counts_and_no_word() {
        let now = ready().facts.now.unwrap();
        let found = |last| {
            check(&with(|facts| {
                facts.data_backup = Some(last);
                facts.acknowledged.data_backup = true;
            }))
        };
        assert_eq!(found(LastBackup::At(now - DAY)), []);
        assert_eq!(found(LastBackup::At(now + DAY)), [], "a clock was set back");
        assert_eq!(severities(&found(LastBackup::Never)), [Severity::Reminder]);
        let old = found(LastBackup::At(now - 2 * DAY - 1));
        assert_eq!(severities(&old), [Severity::Reminder]);
        assert!(old[0].problem.contains("3 days old"), "{old:?}");
    }
}
