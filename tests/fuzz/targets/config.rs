//! The node document's file: what is accepted obeys every rule, is written back as the same, and redacts without
//! leaving a secret.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_config::{Node, Record, Secret, verify_password};

fuzz_target!(|input: &[u8]| {
    if let Ok(record) = Record::from_json(input) {
        assert!(record.node.check().is_ok());
        let text = record.to_json().unwrap_or_default();
        assert_eq!(Record::from_json(&text).ok().as_ref(), Some(&record));
        assert_eq!(record.redacted().node.redacted(), record.redacted().node);
    }
    if let Ok(node) = serde_json::from_slice::<Node>(input) {
        let _ = node.check();
        assert_eq!(node.secrets().count(), node.redacted().secrets().count());
    }
    if let Ok(text) = std::str::from_utf8(input) {
        assert!(!verify_password(&Secret::from("password".to_owned()), &Secret::from(text.to_owned())));
    }
});
