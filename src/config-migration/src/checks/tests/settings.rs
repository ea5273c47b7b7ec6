//! Checks of settings.

use serde_json::json;

use super::found;
use crate::testing::{document, http, line, rdp_settings, ssh};

#[test]
fn the_disk_fill_up_limit_is_between_50_and_98() {
    for (limit, blocks) in [
        (0, true),
        (49, true),
        (50, false),
        (98, false),
        (99, true),
        (4_000_000_000_u32, true),
    ] {
        let mut document = document(3);
        document["management"]["disk_fill_up_prevention"]["used_space_ratio_limit"] = json!(limit);
        for (to, asked) in [(3, false), (4, true), (5, true)] {
            let found = found("disk_fill_up", &document, 3, to);
            assert_eq!(
                found.len(),
                usize::from(blocks && asked),
                "{limit} to {to}: {found:?}"
            );
        }
    }
    let mut off = document(5);
    off["management"]["disk_fill_up_prevention"] =
        json!({"enabled": false, "used_space_ratio_limit": 99, "archiving_enabled": false});
    insta::assert_snapshot!(found("disk_fill_up", &off, 5, 5).join("\n"), @"Blocks Basic Settings > Management > Disk space fill up prevention > Disconnect clients when disks are: x percent used: the limit is 99 percent; only 50 to 98 are possible");
}

#[test]
fn names_that_the_migration_gives_block_on_the_way_over_it_only() {
    let mut taken = document(3);
    taken["connections"]["rdp"]["settings"] =
        json!({"default": rdp_settings(), "legacy_default": rdp_settings(), "default_nla": rdp_settings()});
    insta::assert_snapshot!(found("rdp_setting_names", &taken, 3, 5).join("\n"));
    assert_eq!(found("rdp_setting_names", &taken, 3, 3).len(), 0);
    let after = document(4);
    assert!(after["connections"]["rdp"]["settings"]["default_nla"].is_object());
    assert_eq!(found("rdp_setting_names", &after, 4, 5).len(), 0);
    assert_eq!(found("rdp_setting_names", &document(3), 3, 5).len(), 0);
}

#[test]
fn an_ldap_server_that_must_hurry_is_warned_of() {
    let server = |seconds: u32| {
        json!({
            "servers": ["ldap.example.net"], "port": 636, "encryption": "tls", "base_dn": "", "bind_dn": "",
            "timeout_seconds": seconds, "bind_password": "[redacted]", "client": null, "trust_store": null,
        })
    };
    let mut document = document(5);
    document["policies"]["ldap_servers"] = json!({"slow": server(120), "hasty": server(119)});
    insta::assert_snapshot!(found("ldap_timeout", &document, 5, 5).join("\n"), @"Warning Policies > LDAP Servers > hasty: the server must answer within 119 seconds: logins may fail");
    let mut old = crate::testing::document(1);
    old["policies"]["ldap_servers"]["hasty"] = server(1);
    assert_eq!(found("ldap_timeout", &old, 1, 2).len(), 0);
}

#[test]
fn in_band_host_names_are_named_with_their_connection() {
    let mut document = document(5);
    let targets = json!([{"host": "db_1.example.net", "port": 22}, {"host": "*.example.net", "port": null}, {"host": "10.0.0.0/8", "port": null}]);
    let inband = json!({"kind": "inband", "targets": targets});
    let mut connection = ssh("servers", &json!({"rsa": null, "ed25519": null}));
    connection["destination"] = inband.clone();
    document["connections"]["ssh"]["connections"] = json!([connection]);
    document["connections"]["http"]["connections"] =
        json!([http("web", &inband), http("fine", &json!({"kind": "original"}))]);
    insta::assert_snapshot!(found("in_band_host_names", &document, 5, 5).join("\n"));
    assert_eq!(
        found("in_band_host_names", &crate::testing::document(1), 1, 5).len(),
        0
    );
}

#[test]
fn what_the_migrations_drop_is_warned_of_before() {
    let mut document = document(2);
    document["management"]["log_ingestion"]["enabled"] = json!(true);
    let dsa = json!({"public": line("ssh-dss", 1024), "private": "[redacted]"});
    document["connections"]["ssh"]["connections"] =
        json!([ssh("old", &json!({"rsa": null, "dsa": dsa, "x509": null}))]);
    insta::assert_snapshot!(found("migration_notes", &document, 2, 3).join("\n"));
    assert_eq!(found("migration_notes", &document, 2, 2).len(), 0);
}

#[test]
fn a_document_that_is_none_blocks_and_nothing_else_is_looked_at() {
    let mut strange = document(3);
    strange["novel"] = json!({"used_space_ratio_limit": 1});
    let told: Vec<String> = [
        (&strange, 3, 5),
        (&json!([]), 3, 5),
        (&document(5), 5, 4),
        (&document(5), 5, 6),
        (&document(5), 0, 5),
    ]
    .into_iter()
    .map(|(document, from, to)| {
        let all = crate::check(document, from, to);
        assert_eq!(all.len(), 1, "{all:?}");
        found("shape", document, from, to).join("")
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(crate::check(&document(5), 5, 5), []);
}

#[test]
fn a_policy_whose_target_is_not_reached_is_told() {
    let mut old = document(4);
    old["policies"]["backup"] =
        json!({"nightly": {"start": "03:00", "target": {"kind": "nfs", "server": "nas", "path": "/b"}}});
    old["policies"]["archive"] = json!({"old": {"start": "04:00", "after_days": 30, "target": {"kind": "smb", "server": "nas", "share": "a", "user": "u", "password": "[redacted]"}}});
    insta::assert_snapshot!(found("unreachable_targets", &old, 4, 5).join("\n"));
    assert_eq!(found("unreachable_targets", &old, 4, 4).len(), 0);
    let mut new = document(5);
    let disk = json!({"kind": "directory", "label": "backup", "path": ""});
    new["policies"]["backup"] = json!({"nightly": {"start": "03:00", "target": disk, "analytics": true, "password": "[redacted]", "keep": null}});
    new["policies"]["archive"] = json!({"cleaned": {"start": "04:00", "after_days": 30, "target": null}});
    assert_eq!(crate::check(&new, 5, 5), []);
}
