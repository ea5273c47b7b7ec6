//! The RDP setting `default` becomes `legacy_default`; a new one, `default_nla`, is what new connections get.
//!
//! Source: upgrade guide of 7.0: since 6.8.0. In the new setting Network Level Authentication is on and RDP 4-style authentication
//! off. The old setting keeps its values and its connections: a session that worked before works after.

use serde_json::{Value, json};

use crate::edit::Edit;
use crate::error::MigrateError;

const CONNECTIONS: &str = "connections.rdp.connections";
const SETTINGS: &str = "connections.rdp.settings";
const OLD: &str = "default";
/// What the old default is called.
pub(crate) const LEGACY: &str = "legacy_default";
/// The new default.
pub(crate) const NEW: &str = "default_nla";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let had_default = edit.object(SETTINGS)?.contains_key(OLD);
    edit.put(SETTINGS, NEW, new_default())?;
    edit.remind(
        format!("RDP Control > Settings > {NEW}"),
        "a new setting: Network Level Authentication is on, RDP 4-style authentication off",
        "use it for connections whose servers and clients have Network Level Authentication",
    );
    if !had_default {
        return Ok(());
    }
    edit.rename(SETTINGS, OLD, LEGACY)?;
    let mut users = Vec::new();
    for connection in edit.list(CONNECTIONS)? {
        let settings = connection
            .get_mut("settings")
            .filter(|name| name.as_str() == Some(OLD));
        let Some(settings) = settings else { continue };
        *settings = Value::from(LEGACY);
        if let Some(name) = connection.get("name").and_then(Value::as_str) {
            users.push(name.to_owned());
        }
    }
    let used = match users.as_slice() {
        [] => "no connection uses it".to_owned(),
        users => format!("these connections keep using it: {}", users.join(", ")),
    };
    edit.remind(
        format!("RDP Control > Settings > {LEGACY}"),
        format!("the setting {OLD} is called {LEGACY} and keeps its values; {used}"),
        format!("move connections to {NEW} when their servers and clients are ready"),
    );
    Ok(())
}

fn new_default() -> Value {
    json!({
        "network_level_authentication": true,
        "rdp4_style_authentication": false,
        "idle_timeout_seconds": 3600,
        "maximum_width": 2000,
        "maximum_height": 2000,
    })
}
