//! Channels have conditions of their own, connections of SSH a check of host keys and a source address. What earlier policies did stays:
//! no further conditions, the first host key of a server is kept, servers see the appliance's address.
//!
//! Source: the guides' *SSH connections* (host key verification, SNAT) and *channel policies*.

use serde_json::{Value, json};

use crate::edit::{Edit, put};
use crate::error::MigrateError;

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let migration = edit.name();
    for protocol in ["ssh", "rdp"] {
        let path = format!("connections.{protocol}.channel_policies");
        for (policy, lines) in edit.object(&path)?.iter_mut() {
            let lines = lines.as_array_mut().into_iter().flatten();
            for (place, line) in lines.filter_map(Value::as_object_mut).enumerate() {
                let path = format!("{path}.{policy}.{place}");
                for (name, value) in [
                    ("commands", json!([])),
                    ("operations", json!([])),
                    ("servers", json!([])),
                    ("four_eyes", json!(false)),
                    ("refuse_nested_ssh", json!(false)),
                ] {
                    put(migration, line, &path, name, value)?;
                }
            }
        }
    }
    let path = "connections.ssh.connections";
    let connections = edit.list(path)?.iter_mut().filter_map(Value::as_object_mut);
    for (place, connection) in connections.enumerate() {
        let path = format!("{path}.{place}");
        put(
            migration,
            connection,
            &path,
            "host_key_check",
            json!("accept-first"),
        )?;
        put(migration, connection, &path, "source", json!({"kind": "own"}))?;
    }
    Ok(())
}
