//! Documents of any layout, and certificates in them: a check and a migration end, what was migrated is valid, and what nothing blocks can be
//! migrated.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sps_config_migration::{FIRST, LATEST, Severity, check, empty, migrate, validate};

fuzz_target!(|input: &[u8]| {
    if let Ok(document) = serde_json::from_slice::<Value>(input) {
        (FIRST..=LATEST).for_each(|from| judge(&document, from));
    } else if let Ok(mut document) = empty(LATEST) {
        let text = String::from_utf8_lossy(input).into_owned();
        document["certificates"]["web"] = serde_json::json!({"certificate": text, "private_key": "[redacted]"});
        judge(&document, LATEST);
    }
});

fn judge(document: &Value, from: u32) {
    let blocked = check(document, from, LATEST).iter().any(|finding| finding.severity == Severity::Blocks);
    match migrate(document, from, LATEST) {
        Ok(migrated) => assert_eq!(validate(&migrated.document, LATEST), Ok(())),
        Err(error) => assert!(blocked, "{error}"),
    }
}
