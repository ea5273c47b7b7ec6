//! Layout 4, "6.8": trust stores instead of lists of trusted CAs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::l1::{Group, Radius, Secret, Tls, User};
use super::l3;
pub(crate) use super::l3::{
    ArchivePolicy, AuditPolicy, BackupPolicy, Certificates, ChangeLog, Cluster, ContentPolicy, Credential,
    CredentialStore, DatabaseUser, DateTime, Destination, DiskFillUp, HighAvailability, IndexerPolicy,
    LocalServices, Network, RdpControl, SessionDatabase, SnmpTraps, Splunk, SshControl, System, TimePolicy,
    UserList,
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
    /// Basic Settings > Trust Stores.
    struct TrustStore {
        certificates: Vec<String>,
        /// `none`, `leaf` or `full`.
        revocation_check: String,
        crl_urls: Vec<String>,
    }
    struct Management {
        disk_fill_up_prevention: DiskFillUp,
        change_log: ChangeLog,
        syslog: Vec<Syslog>,
        session_database: SessionDatabase,
    }
    maybe { mail: Mail, snmp_traps: SnmpTraps, splunk: Splunk }
    struct Mail { server: String, port: u16, encryption: String, sender: String, recipients: Vec<String> }
    maybe { client: Credential, server_certificate: String, trust_store: String }
    struct Syslog { server: String, port: u16, transport: String } maybe { client: Credential, trust_store: String }
    struct Users { local: BTreeMap<String, User>, groups: BTreeMap<String, Group>, authentication: Authentication }
    maybe { admin_password: Secret, console_password: Secret }
    struct Authentication { method: String } maybe { ldap_server: String, radius: Radius, x509: X509Login }
    struct X509Login { trust_store: String, user_name_field: String }
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
    struct LdapServer {
        servers: Vec<String>,
        port: u16,
        encryption: String,
        base_dn: String,
        bind_dn: String,
        timeout_seconds: u32,
    }
    maybe { bind_password: Secret, client: Credential, trust_store: String }
    struct Connections { ssh: SshControl, rdp: RdpControl, http: HttpControl }
    struct HttpControl { connections: Vec<HttpConnection> }
    struct HttpConnection {
        name: String,
        enabled: bool,
        from: Vec<String>,
        to: Vec<String>,
        port: u16,
        destination: Destination,
    }
    maybe { tls: Tls, server_trust_store: String, audit_policy: String, resolver: IpAddr }
}

pub(crate) use l3::{SnmpAgent, SshServer, WebLogin};
