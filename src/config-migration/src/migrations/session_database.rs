//! One connection database becomes the session database: metadata, and content that is searched, each kept for its own time.
//!
//! Source: upgrade guide of 5.9, where a second database is filled after the upgrade. That both keep what the one kept is
//! chosen here: nothing may go earlier than before.

use serde_json::json;

use crate::edit::{Edit, take};
use crate::error::MigrateError;

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let name = edit.name();
    let mut old = edit.take("management", "connection_database")?;
    let days = match old.as_object_mut() {
        Some(old) => take(name, old, "management.connection_database", "keep_days")?,
        None => json!(null),
    };
    let new = json!({"keep_metadata_days": days, "keep_content_days": days});
    edit.put("management", "session_database", new)
}
