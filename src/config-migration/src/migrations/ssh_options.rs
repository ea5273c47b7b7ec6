//! SSH has options that hold for all of its connections: limits, memory, what happens at a restart, how much is logged. Earlier firmware had
//! limits of its own, which stay; it ended sessions at once and without a word, which nobody relied on. Nobody reads its figures without a session.

use serde_json::json;

use crate::edit::{Edit, put};
use crate::error::MigrateError;

const SERVICES: &str = "local_services";
const SSH: &str = "connections.ssh";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let migration = edit.name();
    let options = json!({
        "verbosity": 4,
        "most_sessions": 4000,
        "most_of_one_client": 1000,
        "most_logging_in": 200,
        "refuse_below_percent": 15,
        "end_below_percent": 7,
        "restart_grace_seconds": 10,
        "restart_message": true,
    });
    put(migration, edit.object(SSH)?, SSH, "options", options)?;
    let services = edit.object(SERVICES)?;
    put(migration, services, SERVICES, "metrics", json!({ "token": null }))
}
