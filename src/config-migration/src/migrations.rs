//! The migrations, a file each, in the order in which they are done.
//!
//! A migration takes what its layout has and puts what the next one has, and so refuses its own result; one that only drops values
//! (`ssh_short_keys`) finds nothing to drop there. Where the guides name a version, the change stands at the first layout that has it.

mod analytics_backup;
mod backup_keep;
mod backup_password;
mod channel_conditions;
mod content_policies;
mod gssapi_realm;
mod indexed_encrypted;
mod indexer_hosts;
mod indexer_keys;
mod log_ingestion;
mod rdp_settings;
mod server_accounts;
mod session_database;
mod ssh_dsa_and_x509;
mod ssh_options;
mod ssh_short_keys;
mod timestamp_authority;
mod tls_minimum;
mod trail_cipher;
mod trust_stores;
mod upstream_keys;

pub(crate) use rdp_settings::{LEGACY as RDP_LEGACY, NEW as RDP_NEW};

use crate::edit::Edit;
use crate::error::MigrateError;

/// A migration.
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    /// The layout it starts from; it leads to the next one.
    pub(crate) from: u32,
    pub(crate) apply: fn(&mut Edit<'_>) -> Result<(), MigrateError>,
}

const fn migration(
    name: &'static str,
    from: u32,
    apply: fn(&mut Edit<'_>) -> Result<(), MigrateError>,
) -> Migration {
    Migration { name, from, apply }
}

/// Every migration.
pub(crate) const MIGRATIONS: &[Migration] = &[
    migration("session_database", 1, session_database::apply),
    migration("trail_cipher", 1, trail_cipher::apply),
    migration("tls_minimum", 1, tls_minimum::apply),
    migration("content_policies", 1, content_policies::apply),
    migration("gssapi_realm", 1, gssapi_realm::apply),
    migration("ssh_short_keys", 1, ssh_short_keys::apply),
    migration("ssh_dsa_and_x509", 2, ssh_dsa_and_x509::apply),
    migration("log_ingestion", 2, log_ingestion::apply),
    migration("trust_stores", 3, trust_stores::apply),
    migration("rdp_settings", 3, rdp_settings::apply),
    migration("indexer_keys", 4, indexer_keys::apply),
    migration("analytics_backup", 4, analytics_backup::apply),
    migration("backup_password", 4, backup_password::apply),
    migration("channel_conditions", 4, channel_conditions::apply),
    migration("backup_keep", 4, backup_keep::apply),
    migration("server_accounts", 4, server_accounts::apply),
    migration("upstream_keys", 4, upstream_keys::apply),
    migration("indexed_encrypted", 4, indexed_encrypted::apply),
    migration("ssh_options", 4, ssh_options::apply),
    migration("indexer_hosts", 4, indexer_hosts::apply),
    migration("timestamp_authority", 4, timestamp_authority::apply),
];

#[cfg(test)]
mod tests;
