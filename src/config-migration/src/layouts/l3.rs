//! Layout 3, "6.3": SSH has neither DSA keys nor X.509 host certificates but Ed25519, and logs of other hosts are not taken in.

use std::collections::BTreeMap;

use super::l2;
pub(crate) use super::l2::{
    Certificates, ChangeLog, Channel, Cluster, DateTime, Destination, DiskFillUp, HighAvailability,
    HttpControl, LocalServices, Mail, Network, Policies, RdpControl, SessionDatabase, SnmpTraps, Splunk,
    SshAuthentication, SshKey, SshSettings, Syslog, System, Users,
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
    struct Management {
        disk_fill_up_prevention: DiskFillUp,
        change_log: ChangeLog,
        syslog: Vec<Syslog>,
        session_database: SessionDatabase,
    }
    maybe { mail: Mail, snmp_traps: SnmpTraps, splunk: Splunk }
    struct Connections { ssh: SshControl, rdp: RdpControl, http: HttpControl }
    struct SshControl {
        connections: Vec<SshConnection>,
        channel_policies: BTreeMap<String, Vec<Channel>>,
        authentication_policies: BTreeMap<String, SshAuthentication>,
        settings: BTreeMap<String, SshSettings>,
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
    }
    maybe { audit_policy: String }
    struct HostKeys {} maybe { rsa: SshKey, ed25519: SshKey }
}

pub(crate) use l2::{
    ArchivePolicy, AuditPolicy, BackupPolicy, ContentPolicy, Credential, CredentialStore, DatabaseUser,
    IndexerPolicy, SnmpAgent, SshServer, TimePolicy, UserList, WebLogin,
};
