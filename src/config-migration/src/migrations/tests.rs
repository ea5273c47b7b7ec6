//! Each migration on a small and on a rich document, and on its own result.

#![allow(
    clippy::disallowed_methods,
    reason = "the engine has no I/O; its tests read files of ssh-keygen"
)]

use serde_json::{Value, json};

use super::MIGRATIONS;
use crate::edit::Edit;
use crate::finding::Note;
use crate::testing::{changes, document};

/// The one document that every migration of a layout starts from, changed to hold what it is for.
fn prepared(name: &str) -> Value {
    let mut document = document(1);
    rich(&mut document);
    let from = MIGRATIONS
        .iter()
        .find(|migration| migration.name == name)
        .unwrap()
        .from;
    crate::migrate(&document, 1, from).unwrap().document
}

/// Sets what migrations look at.
fn rich(document: &mut Value) {
    document["local_services"]["minimum_tls"] = json!("tls-1.0");
    document["management"]["log_ingestion"]["enabled"] = json!(true);
    document["management"]["connection_database"]["keep_days"] = json!(400);
    let policies = &mut document["policies"];
    policies["audit"] = json!({
        "old": {"cipher": "aes-128-cbc", "encryption": [], "signing": null, "timestamp_seconds": 30},
        "new": {"cipher": "aes-128-gcm", "encryption": [], "signing": null, "timestamp_seconds": null},
    });
    let event = |kind: &str, sensitive: bool| json!({"kind": kind, "matches": ["Secret"], "ignores": [], "case_sensitive": sensitive, "actions": ["log"]});
    policies["content"] = json!({
        "commands": {"events": [event("commands", true)]},
        "titles": {"events": [event("credit-card", false), event("window-title", true)]},
        "screens": {"events": [event("screen-content", true)]},
        "any-case": {"events": [event("commands", false)]},
    });
    policies["backup"] =
        json!({"nightly": {"start": "03:00", "target": {"kind": "nfs", "server": "nas", "path": "/b"}}});
    policies["indexer"] = json!({"all": {"languages": ["en"], "near_real_time": true}});
    let list = |checked: bool| json!({"certificates": [], "crl_urls": ["http://ca/ca.crl"], "check_revocation": checked});
    policies["trusted_ca_lists"] = json!({"checked": list(true), "unchecked": list(false)});
    policies["user_databases"] = json!({"people": {
        "old": {"public_keys": [crate::testing::line("ssh-dss", 1024)], "password": null},
        "short": {"public_keys": [crate::testing::line("ssh-rsa", 1023), crate::testing::line("ssh-rsa", 1024)], "password": null},
    }});
    document["local_services"]["ssh_server"]["authorized_keys"] = json!([
        crate::testing::line("ssh-dss", 1024),
        crate::testing::line("ssh-rsa", 768),
        crate::testing::line("ssh-rsa", 2048),
    ]);
    document["users"]["authentication"]["x509"] =
        json!({"trusted_ca_list": "checked", "user_name_field": "commonName"});
    document["local_services"]["indexer"]["indexer_certs"] = json!([crate::testing::credential()]);
    connections(&mut document["connections"]);
}

fn connections(connections: &mut Value) {
    let policy = |gssapi: bool, realm: bool| json!({"gateway": [], "relayed": ["gssapi"], "gssapi": gssapi, "client_name_with_realm": realm, "user_database": null});
    connections["ssh"]["authentication_policies"] =
        json!({"kerberos": policy(true, true), "plain": policy(true, false), "none": policy(false, true)});
    let key = |kind: &str, bits: usize| json!({"public": crate::testing::line(kind, bits), "private": {"encrypted": "x"}});
    let (rsa, short, dsa) = (key("ssh-rsa", 1024), key("ssh-rsa", 1023), key("ssh-dss", 1024));
    connections["ssh"]["connections"] = json!([
        crate::testing::ssh("good", &json!({"rsa": rsa, "dsa": null, "x509": null})),
        crate::testing::ssh(
            "both",
            &json!({"rsa": rsa, "dsa": dsa, "x509": crate::testing::credential()})
        ),
        crate::testing::ssh("only-dsa", &json!({"rsa": null, "dsa": dsa, "x509": null})),
        crate::testing::ssh("short", &json!({"rsa": short, "dsa": null, "x509": null})),
    ]);
    connections["rdp"]["settings"] =
        json!({"default": crate::testing::rdp_settings(), "own": crate::testing::rdp_settings()});
    connections["rdp"]["connections"] = json!([
        crate::testing::rdp("office", "default"),
        crate::testing::rdp("plant", "own")
    ]);
}

/// Does one migration; says what changed and what it noted.
fn done(name: &str, document: &mut Value) -> String {
    let migration = MIGRATIONS
        .iter()
        .find(|migration| migration.name == name)
        .unwrap();
    let (before, mut notes) = (document.clone(), Vec::new());
    (migration.apply)(&mut Edit::new(name_of(name), document, &mut notes)).unwrap();
    format!("{}\n{}", changes(&before, document).join("\n"), told(&notes))
}

fn name_of(name: &str) -> &'static str {
    MIGRATIONS
        .iter()
        .find(|migration| migration.name == name)
        .unwrap()
        .name
}

fn told(notes: &[Note]) -> String {
    let lines = notes.iter().map(|note| {
        format!(
            "{:?}: {}\n  {}\n  {}\n",
            note.severity, note.setting, note.what, note.mend
        )
    });
    lines.collect()
}

#[test]
fn every_migration_on_a_rich_document() {
    for migration in MIGRATIONS {
        let mut document = prepared(migration.name);
        insta::assert_snapshot!(
            format!("rich_{}", migration.name),
            done(migration.name, &mut document)
        );
    }
}

#[test]
fn every_migration_on_a_small_document() {
    let mut told = String::new();
    for migration in MIGRATIONS {
        let mut small = crate::migrate(&document(1), 1, migration.from).unwrap().document;
        told += &format!("== {}\n{}\n", migration.name, done(migration.name, &mut small));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn every_migration_refuses_its_own_result_or_finds_nothing_in_it() {
    for migration in MIGRATIONS {
        let mut document = prepared(migration.name);
        done(migration.name, &mut document);
        let (after, mut notes) = (document.clone(), Vec::new());
        let again = (migration.apply)(&mut Edit::new(migration.name, &mut document, &mut notes));
        if migration.name == "ssh_short_keys" {
            assert_eq!((again, document, notes), (Ok(()), after, Vec::new()));
        } else {
            assert!(again.is_err(), "{}", migration.name);
        }
    }
}

/// A public key of SSH as `ssh-keygen` writes it; of sizes that it refuses, the modulus is that of a key of the openssl program.
fn real_key(kind: &str, bits: usize) -> String {
    let folder = tempfile::tempdir().unwrap();
    let run = |program: &str, arguments: &str| {
        let mut command = std::process::Command::new(program);
        let output = command
            .args(arguments.split(' '))
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{program} {arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    if kind == "rsa" && bits < 2048 {
        run("openssl", &format!("genrsa -out key {bits}"));
        let modulus = run("openssl", "rsa -in key -noout -modulus");
        return crate::testing::line_of_hex("ssh-rsa", modulus.trim().trim_start_matches("Modulus="));
    }
    run(
        "ssh-keygen",
        &format!("-q -t {kind} -b {bits} -f key -N  -C someone"),
    );
    std::fs::read_to_string(folder.path().join("key.pub")).unwrap()
}

#[test]
fn real_ssh_keys_go_when_they_are_too_short_and_stay_otherwise() {
    for (kind, bits, stays) in [
        ("rsa", 512, false),
        ("rsa", 1023, false),
        ("rsa", 1024, true),
        ("rsa", 2048, true),
        ("ecdsa", 256, true),
        ("ed25519", 256, true),
    ] {
        let mut document = document(1);
        let key = json!({"public": real_key(kind, bits), "private": {"encrypted": "x"}});
        document["connections"]["ssh"]["connections"] = json!([crate::testing::ssh(
            "real",
            &json!({"rsa": key, "dsa": null, "x509": null})
        )]);
        let migrated = crate::migrate(&document, 1, 5).unwrap();
        let left = &migrated.document["connections"]["ssh"]["connections"][0]["host_keys"]["rsa"];
        assert_eq!(left.is_null(), !stays, "{kind} {bits}");
        let told = migrated
            .notes
            .iter()
            .any(|note| note.migration == "ssh_short_keys");
        assert_eq!(told, !stays, "{kind} {bits}");
    }
}

#[test]
fn every_file_is_a_migration_of_the_list() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/migrations");
    let files: std::collections::BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            entry
                .unwrap()
                .file_name()
                .into_string()
                .unwrap()
                .strip_suffix(".rs")
                .map(ToOwned::to_owned)
        })
        .filter(|name| name != "tests")
        .collect();
    let listed = MIGRATIONS
        .iter()
        .map(|migration| migration.name.to_owned())
        .collect();
    assert_eq!(files, listed);
    assert!(MIGRATIONS.is_sorted_by_key(|migration| migration.from));
}
