//! RSA keys for SSH with less than 1,024 bits go.
//!
//! Source: upgrade guide of 5.9; those of 6.3 and 7.0 say it again.

use serde_json::Value;

use crate::edit::{Edit, named};
use crate::error::MigrateError;
use crate::ssh_key::{self, Kind, PublicKey};

const CONNECTIONS: &str = "connections.ssh.connections";
const DATABASES: &str = "policies.user_databases";
const ADMINISTRATORS: &str = "local_services.ssh_server.authorized_keys";
/// Fewest bits of an RSA key for SSH.
const LEAST_BITS: usize = 1024;

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let mut lost = Vec::new();
    for (place, connection) in edit.list(CONNECTIONS)?.iter_mut().enumerate() {
        let name = named(connection, place);
        let Some(key) = connection.pointer_mut("/host_keys/rsa") else {
            continue;
        };
        let line = key.get("public").and_then(Value::as_str).unwrap_or_default();
        if let Some(short) = PublicKey::parse(line).filter(too_short) {
            *key = Value::Null;
            lost.push((name, short.bits));
        }
    }
    for (connection, bits) in lost {
        edit.warn(
            format!("SSH Control > Connections > {connection} > Host keys"),
            format!("the RSA host key of {bits} bits is dropped: at least {LEAST_BITS} are needed"),
            "add an RSA key of 2048 bits or more, or an Ed25519 key, and let clients learn it",
        );
    }
    if ssh_key::drop_keys(edit.list(ADMINISTRATORS)?, too_short) {
        edit.warn(
            "Basic Settings > Local Services > SSH server",
            format!("RSA public keys of administrators of less than {LEAST_BITS} bits are dropped"),
            "add an RSA key of 2048 bits or more, or an Ed25519 key, for each of them",
        );
    }
    for (database, users) in ssh_key::drop_user_keys(edit.object(DATABASES)?, too_short) {
        edit.warn(
            format!("Policies > Local User Databases > {database}"),
            format!("RSA public keys of less than {LEAST_BITS} bits are dropped; they belong to: {users}"),
            "let these users make an RSA key of 2048 bits or more, or an Ed25519 key, and add it",
        );
    }
    Ok(())
}

fn too_short(key: &PublicKey) -> bool {
    key.kind == Kind::Rsa && key.bits < LEAST_BITS
}
