//! Commands and window titles in content policies match whatever the case.
//!
//! Source: upgrade guide of 5.9: since 5.8.0. Screen contents and credit card numbers never minded the case.

use serde_json::Value;

use crate::edit::{Edit, take};
use crate::error::MigrateError;

const CONTENT: &str = "policies.content";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let name = edit.name();
    let mut changed = Vec::new();
    for (policy, value) in edit.object(CONTENT)?.iter_mut() {
        let events = value.get_mut("events").and_then(Value::as_array_mut);
        let mut minded = false;
        for (place, event) in events.into_iter().flatten().enumerate() {
            let Some(event) = event.as_object_mut() else {
                continue;
            };
            let path = format!("{CONTENT}.{policy}.events.{place}");
            let sensitive = take(name, event, &path, "case_sensitive")?;
            let kind = event.get("kind").and_then(Value::as_str);
            minded |= sensitive == Value::Bool(true) && matches!(kind, Some("commands" | "window-title"));
        }
        if minded {
            changed.push(policy.clone());
        }
    }
    for policy in changed {
        edit.warn(
            format!("Policies > Content Policies > {policy}"),
            "commands and window titles match whatever the case, so the policy may act more often",
            "look through its patterns, and those that are ignored",
        );
    }
    Ok(())
}
