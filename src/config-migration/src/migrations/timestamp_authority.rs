//! An audit policy names the authority of its timestamps. Earlier ones do not: the local authority they used is no other party.
//!
//! Source: chosen here: a timestamp that the appliance gives itself proves nothing that its signature does not.

use serde_json::Value;

use crate::edit::{Edit, put};
use crate::error::MigrateError;

const AUDIT: &str = "policies.audit";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let migration = edit.name();
    for (policy, value) in edit.object(AUDIT)?.iter_mut() {
        let Some(value) = value.as_object_mut() else {
            continue;
        };
        let path = format!("{AUDIT}.{policy}");
        put(migration, value, &path, "timestamp_authority", Value::Null)?;
    }
    Ok(())
}
