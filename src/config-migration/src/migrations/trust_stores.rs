//! Lists of trusted CAs become trust stores, with the revocation check off.
//!
//! Source: upgrade guide of 7.0: since 6.8. The guide tells it of the list by which web users are authenticated, and of the three steps
//! to switch the check on; here every list becomes a trust store, so that there is one way to trust a CA.

use serde_json::{Map, Value, json};

use crate::edit::{Edit, named, rename};
use crate::error::MigrateError;

/// The key under which pages name a list, and the one under which they name a store.
const OLD: &str = "trusted_ca_list";
const NEW: &str = "trust_store";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let lists = edit.take("policies", "trusted_ca_lists")?;
    let mut stores = Map::new();
    for (name, list) in lists.as_object().into_iter().flatten() {
        let part = |key: &str| list.get(key).cloned().unwrap_or_else(|| json!([]));
        let store = json!({
            "certificates": part("certificates"),
            "revocation_check": "none",
            "crl_urls": part("crl_urls"),
        });
        stores.insert(name.clone(), store);
        tell(
            edit,
            name,
            list.get("check_revocation") == Some(&Value::Bool(true)),
        );
    }
    edit.put("", "trust_stores", Value::Object(stores))?;
    references(edit)
}

fn tell(edit: &mut Edit<'_>, name: &str, checked: bool) {
    let setting = format!("Basic Settings > Trust Stores > {name}");
    let what = format!("the trusted CA list {name} becomes a trust store, with its revocation check off");
    let steps = "open Basic Settings > Trust Stores; select the revocation check Leaf or Full; add the URL of a revocation list for each \
                 root and intermediate CA";
    if checked {
        edit.warn(
            setting,
            format!("{what}; it was on"),
            format!("to switch it on again: {steps}"),
        );
    } else {
        edit.remind(
            setting,
            what,
            format!("to have revoked certificates refused: {steps}"),
        );
    }
}

/// Whatever names a list names the store.
fn references(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let migration = edit.name();
    for path in ["management.mail", "users.authentication.x509"] {
        if let Ok(object) = edit.object(path) {
            rename(migration, object, path, OLD, NEW)?;
        }
    }
    for (server, value) in edit.object("policies.ldap_servers")?.iter_mut() {
        let path = format!("policies.ldap_servers.{server}");
        rename_in(migration, value, &path, OLD, NEW)?;
    }
    for (path, old, new) in [
        ("management.syslog", OLD, NEW),
        (
            "connections.http.connections",
            "server_trusted_ca_list",
            "server_trust_store",
        ),
    ] {
        for (place, value) in edit.list(path)?.iter_mut().enumerate() {
            let path = format!("{path}.{}", named(value, place));
            rename_in(migration, value, &path, old, new)?;
        }
    }
    Ok(())
}

fn rename_in(
    migration: &'static str,
    value: &mut Value,
    path: &str,
    old: &str,
    new: &str,
) -> Result<(), MigrateError> {
    match value.as_object_mut() {
        Some(object) => rename(migration, object, path, old, new),
        None => Ok(()),
    }
}
