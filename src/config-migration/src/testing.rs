//! Documents and their parts for tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A small document of a layout: what stands there when nothing is set up.
pub(crate) fn document(layout: u32) -> Value {
    let first: Value = serde_json::from_str(include_str!("small.json")).unwrap();
    crate::migrate(&first, 1, layout).unwrap().document
}

/// A public key's line whose number has so many bits.
pub(crate) fn line(kind: &str, bits: usize) -> String {
    let mut number = vec![0x55; bits.div_ceil(8)];
    number[0] = 1 << ((bits - 1) % 8);
    line_of(kind, &number)
}

/// The line of a key whose number is written in hexadecimal.
pub(crate) fn line_of_hex(kind: &str, digits: &str) -> String {
    let even = if digits.len().is_multiple_of(2) {
        digits.to_owned()
    } else {
        format!("0{digits}")
    };
    let byte = |place: usize| u8::from_str_radix(&even[place..place + 2], 16).unwrap();
    let number: Vec<u8> = (0..even.len()).step_by(2).map(byte).collect();
    line_of(kind, &[&[0][..], &number].concat())
}

fn line_of(kind: &str, number: &[u8]) -> String {
    let parts: [&[u8]; 3] = match kind {
        "ssh-rsa" => [kind.as_bytes(), &[1, 0, 1], number],
        _ => [kind.as_bytes(), number, &[7]],
    };
    let mut blob = Vec::new();
    for part in parts {
        blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        blob.extend(part);
    }
    format!("{kind} {} someone", STANDARD.encode(blob))
}

pub(crate) fn credential() -> Value {
    json!({"certificate": include_str!("samples/client.pem"), "private_key": {"encrypted": "x"}})
}

pub(crate) fn ssh(name: &str, host_keys: &Value) -> Value {
    json!({
        "name": name, "enabled": true, "from": ["0.0.0.0/0"], "to": [], "port": 22, "destination": {"kind": "original"},
        "channel_policy": "all", "authentication_policy": "base", "settings": "default", "host_keys": host_keys, "audit_policy": null,
    })
}

pub(crate) fn rdp(name: &str, settings: &str) -> Value {
    json!({
        "name": name, "enabled": true, "from": ["0.0.0.0/0"], "to": [], "port": 3389, "destination": {"kind": "original"},
        "channel_policy": "all", "settings": settings, "tls": null, "audit_policy": null, "credential_store": null,
    })
}

pub(crate) fn http(name: &str, destination: &Value) -> Value {
    json!({
        "name": name, "enabled": true, "from": ["0.0.0.0/0"], "to": [], "port": 8080, "destination": destination,
        "tls": null, "server_trust_store": null, "audit_policy": null, "resolver": null,
    })
}

pub(crate) fn rdp_settings() -> Value {
    json!({
        "network_level_authentication": false, "rdp4_style_authentication": true, "idle_timeout_seconds": 60,
        "maximum_width": 800, "maximum_height": 600,
    })
}

/// What differs, a line a value: `- path` gone, `+ path` new, `~ path: from -> to`.
pub(crate) fn changes(old: &Value, new: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", Some(old), Some(new), &mut lines);
    lines
}

fn compare(path: &str, old: Option<&Value>, new: Option<&Value>, lines: &mut Vec<String>) {
    match (old, new) {
        (old, new) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let names = old
                .keys()
                .chain(new.keys().filter(|name| !old.contains_key(*name)));
            for name in names {
                compare(&format!("{path}/{name}"), old.get(name), new.get(name), lines);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for place in 0..old.len().max(new.len()) {
                compare(&format!("{path}/{place}"), old.get(place), new.get(place), lines);
            }
        }
        (Some(old), Some(new)) => lines.push(format!("~ {path}: {} -> {}", short(old), short(new))),
        (Some(old), None) => lines.push(format!("- {path}: {}", short(old))),
        (None, Some(new)) => lines.push(format!("+ {path}: {}", short(new))),
        (None, None) => {}
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    let start: String = text.chars().take(100).collect();
    if start.len() < text.len() {
        format!("{start}…")
    } else {
        text
    }
}
