//! The keys with which the indexer decrypts audit trails are called keys, no longer certificates.
//!
//! Source: guides of 6.3 and 7.0: external indexers read `indexer-certs.cfg`, after 6.13 `indexer-keys.cfg`.

use crate::edit::Edit;
use crate::error::MigrateError;

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let keys = edit.take("local_services.indexer", "indexer_certs")?;
    let some = keys.as_array().is_some_and(|keys| !keys.is_empty());
    edit.put("local_services.indexer", "indexer_keys", keys)?;
    if some {
        edit.remind(
            "Indexer > Worker status",
            "the file with the keys of external indexers is called indexer-keys.cfg, no longer indexer-certs.cfg",
            "upgrade external indexers and give them the file under its new name",
        );
    }
    Ok(())
}
