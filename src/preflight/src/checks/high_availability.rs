//! Is the pair whole? While it is not, a failing upgrade has no second node to go on.

use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;
use crate::text::list;

const SETTING: &str = "Basic Settings > High availability & Nodes";
/// What to do in each state in which nothing may be upgraded.
const MENDS: [(&str, &str); 8] = [
    ("Half", "make a pair of both nodes with Join HA"),
    (
        "Broken",
        "the nodes belong to different pairs: make one of them join the other with Join HA",
    ),
    (
        "Degraded",
        "bring the other node back and wait until the state is HA",
    ),
    (
        "Degraded (Disk Failure)",
        "replace the disk and wait until the state is HA",
    ),
    (
        "Degraded Sync",
        "wait until the synchronization is complete and the state is HA",
    ),
    (
        "Split brain",
        "choose the node whose data is kept and recover the other from it",
    ),
    (
        "Invalidated",
        "wait until the recovery is complete and the state is HA",
    ),
    ("Converted", "reboot the node that was converted"),
];

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let state = match snapshot.facts.high_availability.as_deref() {
        None => return vec![Found::unknown(SETTING, "the state of high availability")],
        Some("Standalone" | "HA") => return Vec::new(),
        Some(state) => state,
    };
    let known = MENDS.iter().find(|(name, _)| *name == state);
    let mend = known.map_or("restore the pair until the state is HA", |(_, mend)| mend);
    vec![Found::new(
        Severity::Blocks,
        SETTING,
        format!("the state of high availability is {}", list([state])),
        mend,
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{severities, with};

    fn state(state: Option<&str>) -> Vec<Found> {
        check(&with(|facts| {
            facts.high_availability = state.map(ToOwned::to_owned);
        }))
    }

    #[test]
    fn only_a_whole_pair_or_a_single_node_passes() {
        assert_eq!(state(Some("HA")), []);
        assert_eq!(state(Some("Standalone")), []);
        for (name, mend) in MENDS {
            let found = state(Some(name));
            assert_eq!(severities(&found), [Severity::Blocks], "{name}");
            assert_eq!(found[0].mend, mend);
        }
        assert_eq!(severities(&state(Some("Sideways"))), [Severity::Blocks]);
        assert_eq!(severities(&state(None)), [Severity::Warning]);
    }
}
