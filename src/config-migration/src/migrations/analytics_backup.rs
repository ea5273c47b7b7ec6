//! Backups hold the analytics database too.
//!
//! Source: upgrade guide of 7.0: since 6.12.0.

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
            "analytics",
            Value::Bool(true),
        )?;
        names.push(policy.clone());
    }
    for policy in names {
        edit.remind(
            format!("Policies > Backup & Archive > {policy}"),
            "backups hold the analytics database too, and become larger",
            "look whether their target has the room",
        );
    }
    Ok(())
}
