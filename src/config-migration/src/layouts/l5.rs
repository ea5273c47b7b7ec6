//! Layout 5, "7.0": what this firmware works on. Keys of the indexer are called keys; backups hold the analytics database, have a
//! password and say how many are kept; targets are disks and S3 too, and an archive policy without one deletes; channels of
//! connections have conditions of their own; accounts on servers have keys too, and it is said whose they are and who may be whom there;
//! external indexers have names, certificates and a port; timestamps are an authority's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::l1::{InbandTarget, RdpConnection, RdpSettings, Secret, SshSettings};
use super::l2::SshAuthentication;
use super::l3::HostKeys;
use super::l4::{
    Certificates, Cluster, ContentPolicy, Credential, DatabaseUser, DateTime, Destination, HighAvailability,
    HttpControl, LdapServer, Management, Network, SnmpAgent, SshServer, System, TimePolicy, TrustStore,
    UserList, Users, WebLogin,
};
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
    /// A folder on a disk.
    Directory {
        label: String,
        path: String,
    },
    S3(S3),
}

/// The address servers see.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Source {
    /// The appliance's.
    Own {},
    /// The client's.
    Client {},
    Fixed {
        address: std::net::IpAddr,
    },
}

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
    struct LocalServices { web_login: WebLogin, ssh_server: SshServer, snmp_agent: SnmpAgent, indexer: IndexerService, metrics: MetricsService }
    struct MetricsService {} maybe { token: Secret }
    /// Credentials are what external indexers know the appliance by; the other keys decrypt audit trails.
    struct IndexerService { enabled: bool, port: u16, indexer_keys: Vec<Credential>, hosts: BTreeMap<String, IndexerHost> }
    maybe { credentials: Credential }
    struct IndexerHost { certificate: String }
    struct Policies {
        audit: BTreeMap<String, AuditPolicy>,
        content: BTreeMap<String, ContentPolicy>,
        time: BTreeMap<String, TimePolicy>,
        user_lists: BTreeMap<String, UserList>,
        user_databases: BTreeMap<String, BTreeMap<String, DatabaseUser>>,
        user_mappings: BTreeMap<String, UserMapping>,
        credential_stores: BTreeMap<String, CredentialStore>,
        ldap_servers: BTreeMap<String, LdapServer>,
        signing_cas: BTreeMap<String, Credential>,
        indexer: BTreeMap<String, IndexerPolicy>,
        backup: BTreeMap<String, BackupPolicy>,
        archive: BTreeMap<String, ArchivePolicy>,
    }
    struct AuditPolicy { encryption: Vec<String>, upstream_encryption: Vec<String> }
    maybe { signing: Credential, timestamp_seconds: u32, timestamp_authority: TimestampAuthority }
    struct TimestampAuthority { url: String, certificates: Vec<String> } maybe { policy: String }
    struct IndexerPolicy { languages: Vec<String>, near_real_time: bool, encrypted_sessions: bool }
    struct Connections { ssh: SshControl, rdp: RdpControl, http: HttpControl }
    struct SshControl {
        connections: Vec<SshConnection>,
        channel_policies: BTreeMap<String, Vec<Channel>>,
        authentication_policies: BTreeMap<String, SshAuthentication>,
        settings: BTreeMap<String, SshSettings>,
        options: SshOptions,
    }
    struct SshOptions {
        verbosity: u32,
        most_sessions: u32,
        most_of_one_client: u32,
        most_logging_in: u32,
        refuse_below_percent: u32,
        end_below_percent: u32,
        restart_grace_seconds: u32,
        restart_message: bool,
    }
    struct SshConnection {
        name: String,
        enabled: bool,
        from: Vec<String>,
        to: Vec<String>,
        port: u16,
        destination: Destination,
        channel_policy: String,
        authentication_policy: String,
        settings: String,
        host_keys: HostKeys,
        /// `accept-first`, `only-known` or `unchecked`.
        host_key_check: String,
        source: Source,
    }
    maybe { audit_policy: String, user_mapping: String, credential_store: String, indexer_policy: String }
    struct UserMapping { users: Vec<MappedUser>, others: bool }
    struct MappedUser { server_user: String, who: Vec<String> }
    struct CredentialStore { accounts: BTreeMap<String, Account> }
    struct Account { user: String, servers: Vec<String>, who: Vec<String> } maybe { password: Secret, private_key: Secret }
    struct Channel {
        kind: String,
        audit: bool,
        from: Vec<String>,
        commands: Vec<String>,
        operations: Vec<String>,
        servers: Vec<InbandTarget>,
        four_eyes: bool,
        refuse_nested_ssh: bool,
    }
    maybe { content_policy: String, time_policy: String, user_list: String }
    struct RdpControl {
        connections: Vec<RdpConnection>,
        channel_policies: BTreeMap<String, Vec<Channel>>,
        settings: BTreeMap<String, RdpSettings>,
    }
    maybe { domain: String }
    struct S3 {
        endpoint: String,
        region: String,
        bucket: String,
        prefix: String,
        access_key_id: String,
        secret_key: Secret,
        path_style: bool,
    }
    maybe { trust_store: String }
    struct BackupPolicy { start: String, target: Target, analytics: bool } maybe { password: Secret, keep: u32 }
    struct ArchivePolicy { start: String, after_days: u32 } maybe { target: Target }
}
