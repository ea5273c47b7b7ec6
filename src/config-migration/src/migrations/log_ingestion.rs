//! Logs of other hosts are no longer taken in.
//!
//! Source: upgrade guides of 6.3 and 7.0.

use serde_json::Value;

use crate::edit::Edit;
use crate::error::MigrateError;

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let old = edit.take("management", "log_ingestion")?;
    if old.get("enabled") == Some(&Value::Bool(true)) {
        edit.warn(
            "Basic Settings > Management > Log ingestion",
            "log ingestion is dropped: logs of other hosts are no longer taken in",
            "let these hosts send their logs to a log server; what was taken in stays",
        );
    }
    Ok(())
}
