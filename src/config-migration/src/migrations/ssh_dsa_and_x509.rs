//! SSH has neither DSA keys nor X.509 host certificates any more; Ed25519 host keys take their place.
//!
//! Source: upgrade guide of 6.3, which also names the mend.

use serde_json::{Map, Value};

use crate::edit::{Edit, named, put, take};
use crate::error::MigrateError;
use crate::ssh_key;

const CONNECTIONS: &str = "connections.ssh.connections";
const DATABASES: &str = "policies.user_databases";
const ADMINISTRATORS: &str = "local_services.ssh_server.authorized_keys";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    host_keys(edit)?;
    user_keys(edit)
}

/// The host keys of each connection.
fn host_keys(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let name = edit.name();
    let mut lost = Vec::new();
    for (place, connection) in edit.list(CONNECTIONS)?.iter_mut().enumerate() {
        let connection_name = named(connection, place);
        let Some(keys) = connection.get_mut("host_keys").and_then(Value::as_object_mut) else {
            continue;
        };
        let what = without_old_kinds(name, keys, &format!("{CONNECTIONS}.{place}.host_keys"))?;
        let left = keys.get("rsa").is_some_and(|key| !key.is_null());
        if !what.is_empty() {
            lost.push((connection_name, what.join(" and "), left));
        }
    }
    for (connection, what, left) in lost {
        let rest = if left {
            "its RSA key stays"
        } else {
            "no host key is left"
        };
        edit.warn(
            format!("SSH Control > Connections > {connection} > Host keys"),
            format!("dropped: {what}; {rest}"),
            "add an RSA or Ed25519 host key, and let clients learn it",
        );
    }
    Ok(())
}

fn without_old_kinds(
    migration: &'static str,
    keys: &mut Map<String, Value>,
    path: &str,
) -> Result<Vec<&'static str>, MigrateError> {
    let mut lost = Vec::new();
    for (kind, title) in [
        ("dsa", "its DSA host key"),
        ("x509", "its X.509 host certificate"),
    ] {
        if !take(migration, keys, path, kind)?.is_null() {
            lost.push(title);
        }
    }
    put(migration, keys, path, "ed25519", Value::Null)?;
    Ok(lost)
}

/// The public keys of users, and of those who administrate the appliance.
fn user_keys(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    if ssh_key::drop_keys(edit.list(ADMINISTRATORS)?, |key| key.kind == ssh_key::Kind::Dsa) {
        edit.warn(
            "Basic Settings > Local Services > SSH server",
            "DSA public keys of administrators are dropped",
            "add an RSA or Ed25519 key for each of them",
        );
    }
    let lost = ssh_key::drop_user_keys(edit.object(DATABASES)?, |key| key.kind == ssh_key::Kind::Dsa);
    for (database, users) in lost {
        edit.warn(
            format!("Policies > Local User Databases > {database}"),
            format!("DSA public keys are dropped; they belong to: {users}"),
            "let these users make an RSA or Ed25519 key and add it",
        );
    }
    Ok(())
}
