//! Documents that cannot be, and documents that can.

use serde_json::{Value, json};

use crate::cluster::{Cluster, LAYOUT};
use crate::record::typed;
use crate::testing::{random, rich};

/// What is said of the default document with a value changed.
fn said(change: impl FnOnce(&mut Value)) -> String {
    let mut written = serde_json::to_value(Cluster::default()).unwrap();
    change(&mut written);
    match typed(&written) {
        Ok(document) => document
            .check()
            .map_or_else(|error| error.to_string(), |()| String::new()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn offences_are_told_with_path_and_mend() {
    let connection = json!({
        "name": "office", "enabled": true, "from": ["10.0.0.0/8"], "to": [], "port": 22, "destination": {"kind": "original"},
        "channel_policy": "all", "authentication_policy": "base", "settings": "default", "audit_policy": null,
        "host_keys": {"rsa": null, "ed25519": null},
    });
    let http = json!({
        "name": "web", "enabled": true, "from": [], "to": [], "port": 80, "destination": {"kind": "original"}, "tls": null,
        "server_trust_store": null, "audit_policy": null, "resolver": null,
    });
    let told = [
        said(|document| document["network"]["host_name"] = json!("-")),
        said(|document| document["network"]["domain"] = json!("example..net")),
        said(|document| {
            document["network"]["interfaces"]["eth0"] =
                json!({"addresses": ["10.1.1.1"], "management": true, "vlan": null});
        }),
        said(|document| {
            document["network"]["interfaces"]["eth0"] =
                json!({"addresses": [], "management": true, "vlan": 4095});
        }),
        said(|document| document["local_services"]["web_login"]["port"] = json!(0)),
        said(|document| document["local_services"]["web_login"]["timeout_minutes"] = json!(0)),
        said(|document| document["local_services"]["indexer"]["port"] = json!(0)),
        said(|document| {
            let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
            let host = json!({"certificate": certificate});
            document["local_services"]["indexer"]["hosts"] = json!({"one": host, "two": host});
        }),
        said(|document| document["date_time"]["time_zone"] = json!("Europe/../etc")),
        said(|document| document["date_time"]["servers"] = json!(["ntp_1"])),
        said(|document| {
            document["local_services"]["ssh_server"]["authorized_keys"] =
                json!(["ssh-dss AAAAB3NzaC1kc3MAAAAA"]);
        }),
        said(|document| document["network"]["dns"] = json!(["dns.example.net"])),
        said(|document| {
            document["management"]["disk_fill_up_prevention"]["used_space_ratio_limit"] = json!(49);
        }),
        said(|document| {
            document["certificates"]["web"] = json!({"certificate": "key", "private_key": {"plain": "x"}});
        }),
        said(|document| document["users"]["authentication"]["ldap_server"] = json!("directory")),
        said(|document| document["users"]["authentication"]["method"] = json!("carrier pigeon")),
        said(|document| document["users"]["local"]["plain"] = json!({"password": null})),
        said(|document| {
            document["users"]["groups"]["g"] = json!({"members": [], "rights": {"encrypted": "read"}});
        }),
        said(|document| document["policies"]["time"]["t"] = json!({"days": {"monday": ["18:00-08:00"]}})),
        said(|document| document["policies"]["time"]["t"] = json!({"days": {"someday": []}})),
        said(
            |document| document["policies"]["backup"]["b"] = json!({"start": "25:00", "analytics": true, "target": {"kind": "nfs", "server": "nas", "path": "/"}}),
        ),
        said(|document| {
            document["policies"]["audit"]["a"] =
                json!({"encryption": [], "signing": null, "timestamp_seconds": 9});
        }),
        said(|document| document["connections"]["ssh"]["connections"] = json!([connection])),
        said(|document| document["connections"]["http"]["connections"] = json!([http, http])),
        said(|document| document["high_availability"]["sync_rate_mbit"] = json!(0)),
        said(|document| document["coffee"] = json!(1)),
        said(|document| document["system"]["sealed"] = json!("hunter2")),
        said(|document| document["users"]["admin_password"] = json!("hunter2")),
    ];
    insta::assert_snapshot!(told.join("\n"));
    assert!(!told.concat().contains("hunter2"));
}

#[test]
fn authorities_of_timestamps_are_bounded_and_have_their_forms() {
    let stamps = |authority: serde_json::Value| {
        said(|document| {
            document["policies"]["audit"]["a"] = json!({
                "encryption": [], "signing": null, "timestamp_seconds": 60, "timestamp_authority": authority,
            });
        })
    };
    let told = [
        stamps(json!({"url": "ftp://tsa", "certificates": [], "policy": null})),
        stamps(json!({"url": "https://a:b@tsa.example", "certificates": [], "policy": null})),
        stamps(json!({"url": "https://tsa.example", "certificates": [], "policy": "1.2.x"})),
        stamps(json!({"url": "https://tsa.example", "certificates": [], "policy": "1.2.3"})),
        stamps(json!({"url": "https://tsa.example", "certificates": ["key"]})),
        stamps(json!({"url": "https://tsa.example", "certificates": ["x".repeat(70_000)]})),
        stamps(
            json!({"url": "https://tsa.example/tsr?a=b", "certificates": ["-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"]}),
        ),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_default_document_passes_and_is_for_people_too() {
    assert_eq!(said(|_| ()), "");
    insta::assert_json_snapshot!(Cluster::default());
}

#[test]
fn a_rich_document_passes_and_is_for_people_too() {
    let rich = rich(4);
    assert_eq!(rich.check(), Ok(()));
    let text = serde_json::to_string_pretty(&rich).unwrap();
    // Certificates are long and the same for everybody.
    let lines = text
        .lines()
        .filter(|line| !line.contains("-----BEGIN CERTIFICATE"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn shape_and_types_of_the_layout_are_one() {
    for seed in 0..100 {
        let written = sps_config_migration::random(LAYOUT, seed).unwrap();
        let document = typed(&written).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        document
            .check()
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(serde_json::to_value(&document).unwrap(), written, "seed {seed}");
        let known = serde_json::to_value(random(seed)).unwrap();
        sps_config_migration::validate(&known, LAYOUT).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    let default = serde_json::to_value(Cluster::default()).unwrap();
    sps_config_migration::validate(&default, LAYOUT).unwrap();
    assert_eq!(LAYOUT, sps_config_migration::LATEST);
}

#[test]
fn targets_are_disks_buckets_or_what_is_no_longer_reached() {
    let archive = |target: Value| {
        said(|document| {
            document["policies"]["archive"]["old"] =
                json!({"start": "03:00", "after_days": 30, "target": target});
        })
    };
    let disk = |label: &str, path: &str| archive(json!({"kind": "directory", "label": label, "path": path}));
    let s3 = |endpoint: &str, bucket: &str, prefix: &str, store: Option<&str>| {
        archive(json!({
            "kind": "s3", "endpoint": endpoint, "region": "eu-central-1", "bucket": bucket, "prefix": prefix,
            "access_key_id": "AKIA", "secret_key": {"plain": "hunter2"}, "path_style": true, "trust_store": store,
        }))
    };
    for good in [
        archive(Value::Null),
        disk("backup", ""),
        disk("backup", "sps/archive"),
        s3("https://s3.example.net", "evidence", "", None),
        s3("http://[2001:db8::1]:9000", "evidence", "a/b", None),
    ] {
        assert_eq!(good, "");
    }
    let told = [
        disk("", ""),
        disk("../x", ""),
        disk("a-label-that-is-too-long", ""),
        disk("backup", "/etc"),
        disk("backup", "a/../.."),
        s3("s3.example.net", "evidence", "", None),
        s3("https://s3.example.net/path", "evidence", "", None),
        s3("https://s3.example.net", "", "", None),
        s3("https://s3.example.net", "evidence", "a//b", None),
        s3("https://s3.example.net", "evidence", "", Some("corporate")),
    ];
    assert!(!told.concat().contains("hunter2"));
    insta::assert_snapshot!(told.join("\n"));
}
