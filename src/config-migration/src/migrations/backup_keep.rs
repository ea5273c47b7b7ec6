//! A backup policy says how many backups are kept. Earlier ones keep all.
//!
//! Source: chosen here: what nobody asked to be removed stays.

use serde_json::Value;

use crate::edit::{Edit, put};
use crate::error::MigrateError;

const BACKUP: &str = "policies.backup";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let migration = edit.name();
    for (policy, value) in edit.object(BACKUP)?.iter_mut() {
        let Some(value) = value.as_object_mut() else {
            continue;
        };
        put(
            migration,
            value,
            &format!("{BACKUP}.{policy}"),
            "keep",
            Value::Null,
        )?;
    }
    Ok(())
}
