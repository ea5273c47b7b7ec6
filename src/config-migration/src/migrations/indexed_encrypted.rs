//! An indexer policy says whether encrypted sessions are indexed while they are recorded. Of earlier ones only those are indexed that a key
//! of the indexer opens.
//!
//! Source: chosen here: nothing becomes readable that was not.

use serde_json::Value;

use crate::edit::{Edit, put};
use crate::error::MigrateError;

const INDEXER: &str = "policies.indexer";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let migration = edit.name();
    for (policy, value) in edit.object(INDEXER)?.iter_mut() {
        let Some(value) = value.as_object_mut() else {
            continue;
        };
        let path = format!("{INDEXER}.{policy}");
        put(migration, value, &path, "encrypted_sessions", Value::Bool(false))?;
    }
    Ok(())
}
