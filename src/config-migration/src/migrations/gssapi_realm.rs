//! With GSSAPI, users reach the server by their name without the realm.
//!
//! Source: upgrade guide of 5.9: since 5.9.0.

use serde_json::Value;

use crate::edit::{Edit, take};
use crate::error::MigrateError;

const POLICIES: &str = "connections.ssh.authentication_policies";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let name = edit.name();
    let mut changed = Vec::new();
    for (policy, value) in edit.object(POLICIES)?.iter_mut() {
        let Some(value) = value.as_object_mut() else {
            continue;
        };
        let with_realm = take(
            name,
            value,
            &format!("{POLICIES}.{policy}"),
            "client_name_with_realm",
        )?;
        if with_realm == Value::Bool(true) && value.get("gssapi") == Some(&Value::Bool(true)) {
            changed.push(policy.clone());
        }
    }
    for policy in changed {
        edit.warn(
            format!("SSH Control > Authentication Policies > {policy}"),
            "GSSAPI users reach the target server as `user`, no longer as `user@REALM`",
            "let the target servers accept the plain name, or add a usermapping policy to the connections",
        );
    }
    Ok(())
}
