//! Rules of upgrade paths, one a line: what is understood has one spelling, and a refusal names a version that leads on.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_image::upgrade_path::{Earlier, Refusal, Rule, judge};
use sps_image::version::Version;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut rules: Vec<Rule> = Vec::new();
    let mut versions: Vec<Version> = Vec::new();
    for line in text.lines().take(16) {
        if let Ok(rule) = line.parse::<Rule>() {
            assert_eq!(rule.to_string(), line);
            rules.push(rule);
        }
        versions.extend(line.parse::<Version>());
    }
    for from in &versions {
        for to in &versions {
            let Err(refusal) = judge(&rules, *from, *to, Earlier::Gone) else {
                continue;
            };
            assert!(!refusal.to_string().is_empty());
            if let Refusal::InstallFirst { first, .. } = refusal {
                assert!(*from < first && first < *to);
                assert!(judge(&rules, first, *to, Earlier::Gone).is_ok());
            }
        }
    }
});
