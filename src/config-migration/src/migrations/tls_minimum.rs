//! The option *Required minimum version of encryption protocol* goes.
//!
//! Source: upgrade guide of 5.9: since 5.8.0, TLS 1.2 is what is asked for.

use crate::edit::Edit;
use crate::error::MigrateError;

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let chosen = edit.take("local_services", "minimum_tls")?;
    if chosen.as_str() != Some("tls-1.2") {
        edit.warn(
            "Basic Settings > Local Services > Required minimum version of encryption protocol",
            "the option is dropped: web interface and services ask for at least TLS 1.2",
            "use browsers and clients that have TLS 1.2",
        );
    }
    Ok(())
}
