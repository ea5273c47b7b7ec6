//! The section `connections` of layout 1.

use serde_json::{Value, json};

use super::maker::Maker;

pub(super) fn connections(maker: &mut Maker) -> Value {
    json!({
        "ssh": {
            "connections": numbered(maker, 5, ssh),
            "channel_policies": {"all": maker.some(1, 3, channel), "shell-only": maker.some(1, 1, channel)},
            "authentication_policies": {"base": {
                "gateway": ["password"], "relayed": ["password", "public-key"], "gssapi": maker.flag(),
                "client_name_with_realm": maker.flag(), "user_database": null,
            }},
            "settings": {"default": {"idle_timeout_seconds": 3600, "ciphers": ["aes128-gcm@openssh.com"]}},
        },
        "rdp": {
            "connections": numbered(maker, 4, rdp),
            "channel_policies": {"all": maker.some(1, 2, channel)},
            "settings": {"default": rdp_settings(maker), "tablet": rdp_settings(maker)},
            "domain": maker.maybe(Maker::domain),
        },
        "http": {"connections": numbered(maker, 2, http)},
    })
}

/// Connections, each with a name of its own.
fn numbered(maker: &mut Maker, most: u64, make: impl Fn(&mut Maker) -> Value) -> Value {
    let mut number = 0;
    maker.some(1, most, |maker| {
        number += 1;
        let mut connection = make(maker);
        connection["name"] = maker.name(number).into();
        connection["enabled"] = maker.flag().into();
        connection["from"] = maker.some(1, 2, Maker::network);
        connection["to"] = maker.some(1, 2, Maker::network);
        connection["destination"] = destination(maker);
        connection["audit_policy"] = Value::Null;
        connection
    })
}

fn destination(maker: &mut Maker) -> Value {
    match maker.number(0, 3) {
        0 => json!({"kind": "original"}),
        1 => json!({"kind": "fixed", "server": maker.host(), "port": maker.number(1, 65_535)}),
        2 => json!({"kind": "nat", "network": maker.network()}),
        _ => {
            json!({"kind": "inband", "targets": maker.some(1, 3, |maker| json!({"host": maker.host(), "port": null}))})
        }
    }
}

fn ssh(maker: &mut Maker) -> Value {
    json!({
        "port": 22,
        "channel_policy": maker.one_of(&["all", "shell-only"]),
        "authentication_policy": "base",
        "settings": "default",
        "host_keys": {
            "rsa": {"public": maker.ssh_line("ssh-rsa", 2048), "private": maker.secret()},
            "dsa": maker.maybe(|maker| json!({"public": maker.ssh_line("ssh-dss", 1024), "private": maker.secret()})),
            "x509": maker.maybe(Maker::client_credential),
        },
    })
}

fn rdp(maker: &mut Maker) -> Value {
    json!({
        "port": 3389,
        "channel_policy": "all",
        "settings": maker.one_of(&["default", "tablet"]),
        "tls": maker.maybe(|maker| if maker.flag() {
            let credential = maker.web_credential();
            json!({"kind": "fixed", "certificate": credential["certificate"], "private_key": credential["private_key"]})
        } else {
            json!({"kind": "signing-ca", "name": "sessions"})
        }),
        "credential_store": null,
    })
}

fn http(maker: &mut Maker) -> Value {
    json!({"port": 8080, "tls": null, "server_trusted_ca_list": maker.maybe(Maker::ca_list_name), "resolver": maker.maybe(Maker::address)})
}

fn rdp_settings(maker: &mut Maker) -> Value {
    json!({
        "network_level_authentication": maker.flag(),
        "rdp4_style_authentication": maker.flag(),
        "idle_timeout_seconds": 3600,
        "maximum_width": 2000,
        "maximum_height": 2000,
    })
}

fn channel(maker: &mut Maker) -> Value {
    json!({
        "kind": maker.one_of(&["shell", "exec", "sftp", "drawing", "clipboard"]),
        "audit": maker.flag(),
        "from": maker.some(0, 1, Maker::network),
        "content_policy": null,
        "time_policy": null,
        "user_list": null,
    })
}
