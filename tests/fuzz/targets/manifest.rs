//! Manifests, signatures and release files: what is accepted is written back and read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_image::keys::{Signature, Trust};
use sps_image::manifest::Manifest;
use sps_image::names;
use sps_image::release::Release;

fuzz_target!(|input: &[u8]| {
    if let Ok(manifest) = Manifest::from_json(input) {
        assert!(
            manifest
                .payloads
                .iter()
                .all(|payload| names::is_payload_name(&payload.name))
        );
        if let Ok(text) = manifest.to_json() {
            assert_eq!(Manifest::from_json(&text).ok(), Some(manifest));
        }
    }
    if let Ok(signature) = Signature::parse(input) {
        assert_eq!(signature.to_text().as_bytes(), input);
    }
    if let Ok(release) = Release::from_json(input) {
        assert!(release.development || release.faults.is_empty());
    }
    let _ = Trust::from_json(input);
});
