//! Layout 5, "7.0": what this firmware works on. Keys of the indexer are called keys, and backups hold the analytics database.

use std::collections::BTreeMap;

use super::l1::Target;
use super::l4::{
    ArchivePolicy, AuditPolicy, Certificates, Cluster, Connections, ContentPolicy, Credential,
    CredentialStore, DatabaseUser, DateTime, HighAvailability, IndexerPolicy, LdapServer, Management,
    Network, SnmpAgent, SshServer, System, TimePolicy, TrustStore, UserList, Users, WebLogin,
};
use crate::shape::shape;

shape! {
    struct Document {
        system: System,
        network: Network,
        local_services: LocalServices,
        date_time: DateTime,
        management: Management,
        trust_stores: BTreeMap<String, TrustStore>,
        certificates: Certificates,
        users: Users,
        policies: Policies,
        connections: Connections,
        cluster: Cluster,
        high_availability: HighAvailability,
    }
    struct LocalServices { web_login: WebLogin, ssh_server: SshServer, snmp_agent: SnmpAgent, indexer: IndexerService }
    /// Credentials authenticate external indexers; the other keys decrypt audit trails.
    struct IndexerService { enabled: bool, indexer_keys: Vec<Credential> } maybe { credentials: Credential }
    struct Policies {
        audit: BTreeMap<String, AuditPolicy>,
        content: BTreeMap<String, ContentPolicy>,
        time: BTreeMap<String, TimePolicy>,
        user_lists: BTreeMap<String, UserList>,
        user_databases: BTreeMap<String, BTreeMap<String, DatabaseUser>>,
        credential_stores: BTreeMap<String, CredentialStore>,
        ldap_servers: BTreeMap<String, LdapServer>,
        signing_cas: BTreeMap<String, Credential>,
        indexer: BTreeMap<String, IndexerPolicy>,
        backup: BTreeMap<String, BackupPolicy>,
        archive: BTreeMap<String, ArchivePolicy>,
    }
    struct BackupPolicy { start: String, target: Target, analytics: bool }
}
