//! Is there room for what the upgrade really needs? No fixed share of the disk is asked for.

use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;
use crate::store::{Upgrade, upgrade};
use crate::text::amount;

const SETTING: &str = "Basic Settings > Management > Disk space fill up prevention";

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let Some(space) = &snapshot.facts.space else {
        return vec![Found::unknown(SETTING, "how much disk space is free")];
    };
    let needed = match upgrade(snapshot) {
        Upgrade::Planned(estimate) => estimate.space,
        Upgrade::Nothing => 0,
        // An earlier firmware may have computed it; what cannot be done is told by another check.
        Upgrade::Unknown | Upgrade::Impossible(_) => match space.data_needed {
            Some(needed) => needed,
            None => return vec![Found::unknown(SETTING, "how much disk space the upgrade needs")],
        },
    };
    let Some(missing) = needed.checked_sub(space.data_free).filter(|missing| *missing > 0) else {
        return Vec::new();
    };
    let enlarge = match snapshot.facts.virtual_machine {
        Some(false) => "move to larger disks",
        _ => "enlarge the virtual disk, into which the data store grows at the next start",
    };
    vec![Found::new(
        Severity::Blocks,
        SETTING,
        format!(
            "the upgrade needs {} on the data store, {} of {} are free: {} are missing",
            amount(needed),
            amount(space.data_free),
            amount(space.data_total),
            amount(missing)
        ),
        format!(
            "archive older data with an archive policy (Policies > Backup & Archive), or clean up by deleting search metadata and \
             audit trails that are no longer needed, or {enlarge}"
        ),
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{ready, severities, with};
    use crate::snapshot::{Facts, Space};

    fn left(free: u64, needed: Option<u64>) -> Vec<Found> {
        check(&with(|facts: &mut Facts| {
            // An early firmware told no more.
            facts.store = None;
            facts.space = Some(Space {
                data_free: free,
                data_needed: needed,
                ..Space::default()
            });
        }))
    }

    #[test]
    fn the_real_need_decides_and_three_ways_out_are_named() {
        assert_eq!(check(&ready()), [], "4 % free are enough when they are");
        assert_eq!(left(5_000, Some(5_000)), []);
        assert_eq!(left(0, Some(0)), []);
        let found = left(4_999, Some(5_000));
        assert_eq!(severities(&found), [Severity::Blocks]);
        for way in ["archive policy", "clean up", "enlarge the virtual disk"] {
            assert!(found[0].mend.contains(way), "{way}: {found:?}");
        }
        assert!(found[0].problem.contains("1 bytes are missing"), "{found:?}");
    }

    #[test]
    fn what_is_not_known_is_said() {
        assert_eq!(severities(&left(0, None)), [Severity::Warning]);
        assert_eq!(
            severities(&check(&with(|facts| facts.space = None))),
            [Severity::Warning]
        );
    }
}
