//! An audit policy may encrypt what was typed for others than what was shown. Earlier ones encrypt both for the same.
//!
//! Source: the guides' *Encrypting audit trails* (upstream traffic with different certificates).

use serde_json::json;

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
        put(migration, value, &path, "upstream_encryption", json!([]))?;
    }
    Ok(())
}
