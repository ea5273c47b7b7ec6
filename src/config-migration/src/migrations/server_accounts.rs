//! Accounts on servers may have a private key, and say on which servers they are and for whom; connections of SSH say who may be whom on
//! servers and with which accounts, and by which policy their content is indexed. What earlier ones did stays: accounts with a password, for everybody and everywhere; no mapping;
//! nothing is indexed.
//!
//! Source: the guides' *credential stores* and *usermapping policies*.

use serde_json::{Value, json};

use crate::edit::{Edit, put};
use crate::error::MigrateError;

const STORES: &str = "policies.credential_stores";
const CONNECTIONS: &str = "connections.ssh.connections";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let migration = edit.name();
    for (store, value) in edit.object(STORES)?.iter_mut() {
        let accounts = value.get_mut("accounts").and_then(Value::as_object_mut);
        for (name, account) in accounts.into_iter().flatten() {
            let Some(account) = account.as_object_mut() else {
                continue;
            };
            let path = format!("{STORES}.{store}.accounts.{name}");
            for (key, value) in [
                ("private_key", Value::Null),
                ("servers", json!([])),
                ("who", json!([])),
            ] {
                put(migration, account, &path, key, value)?;
            }
        }
    }
    put(
        migration,
        edit.object("policies")?,
        "policies",
        "user_mappings",
        json!({}),
    )?;
    let connections = edit
        .list(CONNECTIONS)?
        .iter_mut()
        .filter_map(Value::as_object_mut);
    for (place, connection) in connections.enumerate() {
        let path = format!("{CONNECTIONS}.{place}");
        for key in ["user_mapping", "credential_store", "indexer_policy"] {
            put(migration, connection, &path, key, Value::Null)?;
        }
    }
    Ok(())
}
