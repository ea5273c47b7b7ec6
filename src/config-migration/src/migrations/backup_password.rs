//! Backups hold the cluster key, encrypted with a password of the policy. Earlier policies have none.
//!
//! Source: chosen here: a backup whose secrets nobody can open again is none.

use serde_json::Value;

use crate::edit::{Edit, put};
use crate::error::MigrateError;

const BACKUP: &str = "policies.backup";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let migration = edit.name();
    let mut names = Vec::new();
    for (policy, value) in edit.object(BACKUP)?.iter_mut() {
        let Some(value) = value.as_object_mut() else {
            continue;
        };
        put(
            migration,
            value,
            &format!("{BACKUP}.{policy}"),
            "password",
            Value::Null,
        )?;
        names.push(policy.clone());
    }
    for policy in names {
        edit.warn(
            format!("Policies > Backup & Archive > {policy}"),
            "backups hold the key of the configuration's secrets, and need a password for it: until one is set, no backup is made",
            "set a password after the upgrade, and keep it where it is found without the appliance",
        );
    }
    Ok(())
}
