//! External indexers have names and certificates of their own, and the port is a setting. Earlier ones were all let in by one pair, which none
//! of this firmware knows: each is to be added and gets its configuration anew.
//!
//! Source: the port is the guides' (TCP 12345); names are chosen here.

use serde_json::{Value, json};

use crate::edit::{Edit, put};
use crate::error::MigrateError;

const INDEXER: &str = "local_services.indexer";
const PORT: u16 = 12_345;

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let migration = edit.name();
    let indexer = edit.object(INDEXER)?;
    put(migration, indexer, INDEXER, "port", json!(PORT))?;
    put(migration, indexer, INDEXER, "hosts", json!({}))?;
    if indexer.get("enabled") == Some(&Value::Bool(true)) {
        edit.remind(
            "Indexer > Worker status",
            "external indexers have names and certificates of their own, and no earlier one is known",
            "add each host there, and give it the configuration that is downloaded then",
        );
    }
    Ok(())
}
