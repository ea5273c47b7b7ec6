//! `sps indexer` as people start it: what is wrong is told with the file and the mend, and nothing is begun.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sps_indexer::{Fingerprint, HostSettings, Identity};

fn run(folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = Command::new(env!("CARGO_BIN_EXE_sps"))
        .args([
            "indexer",
            "--config",
            "indexerworker.cfg",
            "--keys",
            "indexer-keys.cfg",
        ])
        .args(more)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn what_is_wrong_is_told_and_nothing_begins() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = run(folder.path(), &[]);
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains("indexerworker.cfg") && told.contains("Indexer > Worker status"),
        "{told}"
    );

    let identity = Identity::make().unwrap();
    let settings = HostSettings {
        name: "one".into(),
        address: "192.0.2.10".into(),
        port: 12_345,
        appliance: Fingerprint::of_pem(identity.certificate()).unwrap(),
        identity,
        workers: None,
    };
    let file = folder.path().join("indexerworker.cfg");
    fs::write(&file, settings.text().unwrap().as_bytes()).unwrap();
    let (code, told) = run(folder.path(), &["--connect", "nowhere"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("\"nowhere\" is no address and port"), "{told}");
    assert!(told.contains("chmod 600"), "everybody may read the key: {told}");
    assert!(!told.contains("PRIVATE KEY"), "{told}");

    let (code, told) = run(folder.path(), &["--workers", "1000"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("give 1 to 64"), "{told}");

    fs::write(folder.path().join("indexer-certs.cfg"), "not-there.pem").unwrap();
    let (code, told) = run(folder.path(), &[]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("not-there.pem"), "{told}");
}
