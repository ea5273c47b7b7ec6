//! Layout 2, "5.9": one session database became two, trails have one cipher, TLS one version, content policies no case, and
//! GSSAPI users no realm.

use std::collections::BTreeMap;

use super::l1;
pub(crate) use super::l1::{
    ArchivePolicy, BackupPolicy, Certificates, ChangeLog, Channel, Cluster, Credential, CredentialStore,
    DatabaseUser, DateTime, DiskFillUp, HighAvailability, HttpControl, IndexerPolicy, IndexerService,
    LdapServer, LogIngestion, Mail, Network, RdpControl, SnmpAgent, SnmpTraps, Splunk, SshConnection,
    SshServer, SshSettings, Syslog, System, TimePolicy, TrustedCaList, UserList, Users, WebLogin,
};
use crate::shape::shape;

shape! {
    struct Document {
        system: System,
        network: Network,
        local_services: LocalServices,
        date_time: DateTime,
        management: Management,
        certificates: Certificates,
        users: Users,
        policies: Policies,
        connections: Connections,
        cluster: Cluster,
        high_availability: HighAvailability,
    }
    struct LocalServices { web_login: WebLogin, ssh_server: SshServer, snmp_agent: SnmpAgent, indexer: IndexerService }
    struct Management {
        disk_fill_up_prevention: DiskFillUp,
        change_log: ChangeLog,
        syslog: Vec<Syslog>,
        log_ingestion: LogIngestion,
        session_database: SessionDatabase,
    }
    maybe { mail: Mail, snmp_traps: SnmpTraps, splunk: Splunk }
    /// Days after which metadata, and the content that is searched, go.
    struct SessionDatabase {} maybe { keep_metadata_days: u32, keep_content_days: u32 }
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
    struct AuditPolicy { encryption: Vec<String> } maybe { signing: Credential, timestamp_seconds: u32 }
    struct ContentPolicy { events: Vec<ContentEvent> }
    struct ContentEvent { kind: String, matches: Vec<String>, ignores: Vec<String>, actions: Vec<String> }
    struct Connections { ssh: SshControl, rdp: RdpControl, http: HttpControl }
    struct SshControl {
        connections: Vec<SshConnection>,
        channel_policies: BTreeMap<String, Vec<Channel>>,
        authentication_policies: BTreeMap<String, SshAuthentication>,
        settings: BTreeMap<String, SshSettings>,
    }
    struct SshAuthentication { gateway: Vec<String>, relayed: Vec<String>, gssapi: bool } maybe { user_database: String }
}

pub(crate) use l1::{Destination, SshKey};
