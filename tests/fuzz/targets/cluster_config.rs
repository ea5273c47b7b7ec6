//! The cluster document and its file: what is accepted obeys every rule, is valid in its layout, is written back as the same, and has no secret
//! in its form for strangers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_cluster_config::{Cluster, LAYOUT, Pseudonyms, Store, project};
use sps_durable::Medium;
use sps_durable::simulation::CrashDisk;

fuzz_target!(|input: &[u8]| {
    let mut disk = CrashDisk::default();
    if disk.write("cluster.json", input).is_ok()
        && let Ok((store, _)) = Store::on(Box::new(disk), None)
    {
        judge(store.document());
    }
    if let Ok(document) = serde_json::from_slice::<Cluster>(input)
        && document.check().is_ok()
    {
        judge(&document);
    }
});

fn judge(document: &Cluster) {
    assert_eq!(document.check(), Ok(()));
    let Ok(written) = serde_json::to_value(document) else { return };
    assert_eq!(sps_config_migration::validate(&written, LAYOUT), Ok(()));
    assert_eq!(serde_json::from_value::<Cluster>(written).ok().as_ref(), Some(document));
    assert!(project(document, 1).is_ok_and(|projection| projection.is_whole()));
    let anonymous = Pseudonyms::new().and_then(|pseudonyms| pseudonyms.document(document));
    assert!(anonymous.is_ok_and(|document| !document.to_string().contains("{\"plain\":")));
}
