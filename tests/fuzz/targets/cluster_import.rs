//! Exports of a configuration, which come from anywhere: whatever is imported obeys every rule and can be exported again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sps_cluster_config::{About, LAYOUT, export_plain, import};
use sps_config::Secret;

fuzz_target!(|input: &[u8]| {
    let password = Secret::from("correct horse".to_owned());
    let Ok(imported) = import(input, Some(&password), migrate) else { return };
    assert_eq!(imported.document.check(), Ok(()));
    let about = About { product: "7.0.0".to_owned(), revision: 1 };
    if let Ok(export) = export_plain(&imported.document, &about) {
        assert!(import(&export, None, migrate).is_ok_and(|again| again.layout == LAYOUT && again.about == about));
    }
});

fn migrate(document: &Value, layout: u32) -> Result<(Value, Vec<String>), String> {
    let migrated = sps_config_migration::migrate(document, layout, LAYOUT).map_err(|error| error.to_string())?;
    Ok((migrated.document, Vec::new()))
}
