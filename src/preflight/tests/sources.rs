//! Where the facts of a snapshot come from: the manifest of the new firmware and the licence.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use sps_image::hex::Sha256Digest;
use sps_image::manifest::{FORMAT, ImageDigest, Manifest};
use sps_image::names;
use sps_image::version::Version;
use sps_licence::{Licence, LimitType};
use sps_preflight::{Candidate, Facts, LicenceFacts, Licensing, Running, Snapshot, judge};

fn manifest() -> Manifest {
    let version = Version::new(7, 0, 3);
    Manifest {
        format: FORMAT,
        product: names::PRODUCT.to_owned(),
        version,
        channel: version.channel(),
        build_id: "b".to_owned(),
        build_time: 1_700_000_000,
        development: false,
        data_layout: 2,
        boot_protocol: 1,
        hardware: vec!["generic-x86-64".to_owned()],
        upgrade_notes: String::new(),
        upgrade_news: String::new(),
        upgrade_from: vec![">=6.0.11 in 6 LTS".parse().unwrap(), "=6.9.4".parse().unwrap()],
        supported_until: None,
        image: ImageDigest {
            size: 0,
            sha256: Sha256Digest::of(b""),
        },
        payloads: Vec::new(),
    }
}

fn checks(running: &str, lts: Vec<u32>) -> Vec<String> {
    let licence = Licence {
        customer: "Example".to_owned(),
        serial: "A-1".to_owned(),
        limit_type: LimitType::Session,
        limit: 10,
        valid_from: "2026-01-01".parse().unwrap(),
        valid_until: None,
        lts,
        features: vec!["analytics".to_owned().try_into().unwrap()],
    };
    let facts = Facts {
        running: Some(Running {
            version: running.parse().unwrap(),
            digest: String::new(),
        }),
        now: Some(1_780_315_200),
        licence: Some(Licensing::Licence(LicenceFacts::from(&licence))),
        ..Facts::default()
    };
    let candidate = Candidate::of(&manifest(), Sha256Digest::of(b"manifest"));
    let snapshot = Snapshot::new(1, serde_json::Value::Null, facts, candidate);
    let report = judge(&snapshot, "7.0.3");
    report.findings.into_iter().map(|finding| finding.check).collect()
}

#[test]
fn a_manifests_rules_and_a_licence_are_judged_as_they_stand() {
    let named =
        |running, lts: &[u32], check: &str| checks(running, lts.to_vec()).iter().any(|name| name == check);
    assert!(!named("6.0.12", &[6, 7], "upgrade_path"));
    assert!(!named("6.0.12", &[6, 7], "licence"));
    assert!(named("6.0.10", &[6, 7], "upgrade_path"));
    assert!(named("6.0.12", &[6], "licence"));
}
