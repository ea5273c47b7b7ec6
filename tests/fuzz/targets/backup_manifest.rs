//! Manifests of backups: whatever a target gives, it is judged within bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if sps_archive::judge(input).is_ok() {
        let lines = input.iter().filter(|byte| **byte == b'\n').count();
        assert!(lines >= 2);
    }
});
