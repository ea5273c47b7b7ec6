//! Will the content of earlier sessions have to be indexed anew?

use sps_index_engine::VERSION;

use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;

const SETTING: &str = "Search > Sessions";

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    // Firmware without an index, or one that is not open: there is nothing that would change.
    let Some(index) = snapshot.facts.content_index else {
        return Vec::new();
    };
    if index.version == VERSION || index.sessions == 0 {
        return Vec::new();
    }
    vec![Found::new(
        Severity::Reminder,
        SETTING,
        format!(
            "the content of {} sessions is indexed anew after the upgrade, the newest first, while the appliance works: searches of content say \
             that they are incomplete until it is done, and of sessions whose audit trail was archived only events and commands are found",
            index.sessions
        ),
        "nothing has to be done; System monitor shows how far it is",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{severities, with};
    use crate::snapshot::ContentIndex;

    #[test]
    fn sessions_of_another_version_of_the_indexer_are_told() {
        let with = |version, sessions| {
            check(&with(|facts| {
                facts.content_index = Some(ContentIndex { version, sessions });
            }))
        };
        assert_eq!(with(VERSION, 1000), []);
        assert_eq!(with(VERSION - 1, 0), []);
        assert_eq!(
            check(&crate::example::with(|facts| facts.content_index = None)),
            []
        );
        for version in [VERSION - 1, VERSION + 1] {
            let found = with(version, 1_300_000);
            assert_eq!(severities(&found), [Severity::Reminder]);
            assert!(found[0].problem.contains("1300000 sessions"), "{found:?}");
        }
    }
}
