//! What the upgrade makes of the data store: planned by the new firmware, which alone knows its layout.

use sps_datastore_engine::{Counted, Estimate, Facts, Kind, PlanError, Rates, plan};

use crate::snapshot::{DataStore, Snapshot};

/// What is known of the reorganization.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Upgrade {
    /// The running firmware did not tell what there is.
    Unknown,
    /// Nothing is reorganized: the layout is the same, or an earlier one, to which one goes back.
    Nothing,
    /// This.
    Planned(Estimate),
    /// It cannot be done.
    Impossible(PlanError),
}

/// Plans it.
pub(crate) fn upgrade(snapshot: &Snapshot) -> Upgrade {
    let Some(store) = &snapshot.facts.store else {
        return Upgrade::Unknown;
    };
    if snapshot.candidate.data_layout <= store.layout {
        return Upgrade::Nothing;
    }
    match plan(&facts(store), snapshot.candidate.data_layout) {
        Ok(plan) => Upgrade::Planned(plan.cost.estimate(&rates(store))),
        Err(error) => Upgrade::Impossible(error),
    }
}

fn facts(store: &DataStore) -> Facts {
    let mut facts = Facts {
        layout: store.layout,
        ..Facts::default()
    };
    for (title, there) in &store.kinds {
        // What has no name here any more will be kept as it is.
        let kind = Kind::titled(title).unwrap_or(Kind::Unrecognized);
        *facts.kinds.entry(kind).or_default() += Counted {
            files: there.files,
            folders: there.folders,
            bytes: there.bytes,
            names: there.names,
        };
    }
    facts
}

fn rates(store: &DataStore) -> Rates {
    #[expect(clippy::cast_precision_loss, reason = "rates for an estimate")]
    let rate = |rate: u64| rate.max(1) as f64;
    Rates {
        links: rate(store.links_a_second),
        copies: rate(store.copies_a_second),
        bytes: rate(store.bytes_a_second),
    }
}
