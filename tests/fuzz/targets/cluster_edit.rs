//! Edits of the cluster document by anybody who may change it: whatever they make is shown without a secret, and what is shown can be
//! set again without changing anything.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sps_cluster_config::{Cluster, Edit, LAYOUT, Place};

static DOCUMENT: LazyLock<Cluster> = LazyLock::new(|| {
    let sample = sps_config_migration::sample(LAYOUT, 3).unwrap_or_default();
    serde_json::from_value(sample).unwrap_or_default()
});

fuzz_target!(|input: &[u8]| {
    let Ok(edits) = serde_json::from_slice::<Vec<(String, Option<Value>)>>(input) else { return };
    let edit = |(path, value): (String, Option<Value>)| {
        let place: Place = path.parse().ok()?;
        assert_eq!(place.to_string().parse(), Ok(place.clone()));
        Some(value.map_or(Edit::Remove(place.clone()), |value| Edit::Set(place, value)))
    };
    let Some(edits) = edits.into_iter().map(edit).collect::<Option<Vec<_>>>() else { return };
    let Ok(edited) = DOCUMENT.edited(&edits) else { return };
    assert!(DOCUMENT.differences(&edited).is_ok());
    if edited.check().is_err() {
        return;
    }
    let Ok(shown) = edited.shown(&Place::default()) else { panic!("it cannot be shown") };
    assert!(!shown.to_string().contains("\"encrypted\":\""));
    let again = edited.edited(&[Edit::Set(Place::default(), shown)]);
    assert_eq!(again.ok(), Some(edited));
});
