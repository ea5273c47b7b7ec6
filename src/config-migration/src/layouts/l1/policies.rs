//! Layout 1: what is under *Policies*.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::basic::{Credential, Secret};
use crate::shape::shape;

/// A place outside the appliance.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Target {
    /// A share of Windows.
    Smb {
        server: String,
        share: String,
        user: String,
        password: Secret,
    },
    Nfs {
        server: String,
        path: String,
    },
    /// Rsync over SSH.
    Rsync {
        server: String,
        path: String,
        user: String,
        private_key: Secret,
    },
}

shape! {
    struct Policies {
        audit: BTreeMap<String, AuditPolicy>,
        content: BTreeMap<String, ContentPolicy>,
        time: BTreeMap<String, TimePolicy>,
        user_lists: BTreeMap<String, UserList>,
        user_databases: BTreeMap<String, BTreeMap<String, DatabaseUser>>,
        credential_stores: BTreeMap<String, CredentialStore>,
        ldap_servers: BTreeMap<String, LdapServer>,
        trusted_ca_lists: BTreeMap<String, TrustedCaList>,
        signing_cas: BTreeMap<String, Credential>,
        indexer: BTreeMap<String, IndexerPolicy>,
        backup: BTreeMap<String, BackupPolicy>,
        archive: BTreeMap<String, ArchivePolicy>,
    }
    /// How trails are encrypted, signed and timestamped.
    struct AuditPolicy {
        /// `aes-128-cbc` or `aes-128-gcm`.
        cipher: String,
        encryption: Vec<String>,
    }
    maybe { signing: Credential, timestamp_seconds: u32 }
    struct ContentPolicy { events: Vec<ContentEvent> }
    struct ContentEvent {
        /// `commands`, `screen-content`, `credit-card` or `window-title`.
        kind: String,
        matches: Vec<String>,
        ignores: Vec<String>,
        case_sensitive: bool,
        actions: Vec<String>,
    }
    /// Days of the week with intervals `HH:MM-HH:MM`.
    struct TimePolicy { days: BTreeMap<String, Vec<String>> }
    struct UserList { allow: bool, except: Vec<String> }
    struct DatabaseUser { public_keys: Vec<String> } maybe { password: Secret }
    struct CredentialStore { accounts: BTreeMap<String, Account> }
    struct Account { user: String, password: Secret }
    struct LdapServer {
        servers: Vec<String>,
        port: u16,
        encryption: String,
        base_dn: String,
        bind_dn: String,
        timeout_seconds: u32,
    }
    maybe { bind_password: Secret, client: Credential, trusted_ca_list: String }
    /// PEM certificates, and where their revocation lists are.
    struct TrustedCaList { certificates: Vec<String>, crl_urls: Vec<String>, check_revocation: bool }
    struct IndexerPolicy { languages: Vec<String>, near_real_time: bool }
    struct BackupPolicy { start: String, target: Target }
    struct ArchivePolicy { start: String, target: Target, after_days: u32 }
}
