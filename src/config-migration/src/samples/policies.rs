//! The section `policies` of layout 1.

use serde_json::{Map, Value, json};

use super::maker::Maker;

pub(super) fn policies(maker: &mut Maker) -> Value {
    json!({
        "audit": maker.map(1, 2, audit),
        "content": maker.map(1, 3, content),
        "time": maker.map(1, 2, |_| json!({"days": {"monday": ["08:00-18:00"], "tuesday": ["08:00-12:00", "13:00-18:00"]}})),
        "user_lists": maker.map(0, 2, |maker| json!({"allow": maker.flag(), "except": maker.some(0, 3, Maker::word)})),
        "user_databases": maker.map(0, 1, |maker| maker.map(1, 4, user)),
        "credential_stores": maker.map(0, 1, |maker| json!({
            "accounts": maker.map(1, 3, |maker| json!({"user": maker.word(), "password": maker.secret()})),
        })),
        "ldap_servers": fixed(maker, "directory", ldap),
        "trusted_ca_lists": fixed(maker, "corporate", ca_list),
        "signing_cas": fixed(maker, "sessions", Maker::old_credential),
        "indexer": maker.map(1, 1, |maker| json!({"languages": ["en", "de"], "near_real_time": maker.flag()})),
        "backup": maker.map(0, 2, |maker| json!({"start": "03:00", "target": target(maker)})),
        "archive": maker.map(0, 1, |maker| json!({"start": "04:30", "target": target(maker), "after_days": maker.number(7, 365)})),
    })
}

/// One object whose name others use, and a few more.
fn fixed(maker: &mut Maker, name: &str, mut make: impl FnMut(&mut Maker) -> Value) -> Value {
    let mut object: Map<String, Value> = match maker.map(0, 2, &mut make) {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    object.insert(name.to_owned(), make(maker));
    Value::Object(object)
}

fn audit(maker: &mut Maker) -> Value {
    json!({
        "cipher": maker.one_of(&["aes-128-cbc", "aes-128-gcm"]),
        "encryption": maker.some(0, 2, Maker::old_certificate),
        "signing": maker.maybe(Maker::old_credential),
        "timestamp_seconds": maker.maybe(|maker| maker.number(10, 100_000).into()),
    })
}

fn content(maker: &mut Maker) -> Value {
    json!({"events": maker.some(1, 3, |maker| json!({
        "kind": maker.one_of(&["commands", "screen-content", "credit-card", "window-title"]),
        "matches": maker.some(1, 3, Maker::word),
        "ignores": maker.some(0, 1, Maker::word),
        "case_sensitive": maker.flag(),
        "actions": ["log", "notify"],
    }))})
}

fn user(maker: &mut Maker) -> Value {
    let keys = [("ssh-rsa", 2048), ("ssh-rsa", 768), ("ssh-dss", 1024)];
    json!({
        "public_keys": maker.some(0, 2, |maker| {
            let (kind, bits) = keys[usize::try_from(maker.number(0, 2)).unwrap_or(0)];
            maker.ssh_line(kind, bits)
        }),
        "password": maker.maybe(Maker::secret),
    })
}

fn ldap(maker: &mut Maker) -> Value {
    json!({
        "servers": maker.some(1, 2, Maker::host),
        "port": 636,
        "encryption": maker.one_of(&["none", "starttls", "tls"]),
        "base_dn": "dc=example,dc=net",
        "bind_dn": "cn=sps,dc=example,dc=net",
        "timeout_seconds": maker.number(10, 300),
        "bind_password": maker.maybe(Maker::secret),
        "client": maker.maybe(Maker::client_credential),
        "trusted_ca_list": maker.maybe(Maker::ca_list_name),
    })
}

fn ca_list(maker: &mut Maker) -> Value {
    json!({
        "certificates": maker.some(1, 2, Maker::ca_certificate),
        "crl_urls": maker.some(0, 1, |maker| {
            let domain = maker.domain();
            format!("http://{}/ca.crl", domain.as_str().unwrap_or_default()).into()
        }),
        "check_revocation": maker.flag(),
    })
}

fn target(maker: &mut Maker) -> Value {
    let server = maker.host();
    match maker.number(0, 2) {
        0 => {
            json!({"kind": "smb", "server": server, "share": maker.word(), "user": maker.word(), "password": maker.secret()})
        }
        1 => json!({"kind": "nfs", "server": server, "path": "/export/sps"}),
        _ => {
            json!({"kind": "rsync", "server": server, "path": "/srv/sps", "user": maker.word(), "private_key": maker.secret()})
        }
    }
}
