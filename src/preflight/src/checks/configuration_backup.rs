//! Is the configuration backed up, and lately?

use crate::finding::{Found, Severity};
use crate::snapshot::{LastBackup, Snapshot};

const SETTING: &str = "Basic Settings > Management > System backup";
/// Seconds after which a backup counts as old: what was changed yesterday should be in it.
const OLD: u64 = DAY;
const DAY: u64 = 24 * 60 * 60;

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let facts = &snapshot.facts;
    let problem = match (facts.configuration_backup, facts.now) {
        (Some(LastBackup::Never), _) => "the configuration was never backed up".to_owned(),
        (Some(LastBackup::At(last)), Some(now)) => match now.saturating_sub(last) {
            age if age <= OLD => return Vec::new(),
            age => format!(
                "the last backup of the configuration is {} days old",
                age.div_ceil(DAY)
            ),
        },
        (None, _) | (_, None) => {
            return vec![Found::unknown(
                SETTING,
                "when the configuration was backed up last",
            )];
        }
    };
    vec![Found::new(
        Severity::Warning,
        SETTING,
        problem,
        "back the configuration up now, or export it",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{ready, severities, with};

    fn last(backup: Option<LastBackup>) -> Vec<Found> {
        check(&with(|facts| facts.configuration_backup = backup))
    }

    #[test]
    fn only_a_backup_of_the_last_day_passes() {
        let now = ready().facts.now.unwrap();
        assert_eq!(last(Some(LastBackup::At(now - DAY))), []);
        assert_eq!(last(Some(LastBackup::At(now + DAY))), [], "a clock was set back");
        let old = last(Some(LastBackup::At(now - DAY - 1)));
        assert_eq!(severities(&old), [Severity::Warning]);
        assert!(old[0].problem.contains("2 days old"), "{old:?}");
        for other in [Some(LastBackup::Never), None] {
            assert_eq!(severities(&last(other)), [Severity::Warning]);
        }
    }
}
