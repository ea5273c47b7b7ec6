//! Layout 1: what is under *Basic Settings* and *Users & Access Control*.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::shape::shape;

/// A secret: encrypted, in plain (inside an encrypted export only), or left out.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Secret {
    /// Only its presence is known.
    Redacted(Redacted),
    /// With a key that this room never has.
    Encrypted(Encrypted),
    /// As it was typed.
    Plain(Plain),
}

/// The mark that stands where a secret was.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum Redacted {
    #[serde(rename = "[redacted]")]
    Mark,
}

shape! {
    struct Encrypted { encrypted: String }
    struct Plain { plain: String }

    /// Basic Settings > System.
    struct System { sealed: bool } maybe { licence: Licence }
    /// Which licence is in force; the file lies beside the document.
    struct Licence { serial: String, sha256: String }

    /// Basic Settings > Network.
    struct Network {
        host_name: String,
        interfaces: BTreeMap<String, Interface>,
        routes: Vec<Route>,
        dns: Vec<IpAddr>,
    }
    maybe { domain: String }
    /// Addresses with the length of their network.
    struct Interface { addresses: Vec<String>, management: bool } maybe { vlan: u16 }
    struct Route { network: String, gateway: IpAddr }

    /// Basic Settings > Local Services.
    struct LocalServices {
        web_login: WebLogin,
        ssh_server: SshServer,
        snmp_agent: SnmpAgent,
        indexer: IndexerService,
        /// `tls-1.0`, `tls-1.1` or `tls-1.2`.
        minimum_tls: String,
    }
    struct WebLogin { addresses: Vec<IpAddr>, port: u16, timeout_minutes: u32 }
    struct SshServer { enabled: bool, addresses: Vec<IpAddr>, authorized_keys: Vec<String> }
    struct SnmpAgent { enabled: bool } maybe { community: Secret }
    /// Credentials authenticate external indexers; the other certificates decrypt audit trails.
    struct IndexerService { enabled: bool, indexer_certs: Vec<Credential> } maybe { credentials: Credential }

    /// Basic Settings > Date & Time.
    struct DateTime { time_zone: String, servers: Vec<String> }

    /// Certificate chain and private key, PEM.
    struct Credential { certificate: String, private_key: Secret }

    /// Basic Settings > Management.
    struct Management {
        disk_fill_up_prevention: DiskFillUp,
        change_log: ChangeLog,
        syslog: Vec<Syslog>,
        log_ingestion: LogIngestion,
        connection_database: ConnectionDatabase,
    }
    maybe { mail: Mail, snmp_traps: SnmpTraps, splunk: Splunk }
    struct DiskFillUp { enabled: bool, used_space_ratio_limit: u32, archiving_enabled: bool }
    struct ChangeLog { require_message: bool }
    struct Mail { server: String, port: u16, encryption: String, sender: String, recipients: Vec<String> }
    maybe { client: Credential, server_certificate: String, trusted_ca_list: String }
    struct Syslog { server: String, port: u16, transport: String } maybe { client: Credential, trusted_ca_list: String }
    struct SnmpTraps { servers: Vec<String>, community: Secret }
    struct Splunk { server: String, port: u16, token: Secret } maybe { server_certificate: String }
    /// Logs of other hosts, taken in by syslog.
    struct LogIngestion { enabled: bool, port: u16, sources: Vec<String> }
    /// Days after which sessions leave the one database there is.
    struct ConnectionDatabase {} maybe { keep_days: u32 }

    /// Basic Settings > Management > SSL certificates.
    struct Certificates {} maybe { web: Credential, internal_ca: Credential, timestamping: Credential }

    /// Users & Access Control.
    struct Users { local: BTreeMap<String, User>, groups: BTreeMap<String, Group>, authentication: Authentication }
    maybe { admin_password: Secret, console_password: Secret }
    struct User {} maybe { password: Secret }
    struct Group { members: Vec<String>, rights: BTreeMap<String, String> }
    struct Authentication { method: String } maybe { ldap_server: String, radius: Radius, x509: X509Login }
    struct Radius { servers: Vec<String>, secret: Secret }
    struct X509Login { trusted_ca_list: String, user_name_field: String }

    /// Basic Settings > Cluster management.
    struct Cluster { nodes: BTreeMap<String, Node> }
    struct Node { address: IpAddr, roles: Vec<String> }

    /// Basic Settings > High availability.
    struct HighAvailability { enabled: bool, next_hops: Vec<NextHop>, sync_rate_mbit: u32 }
    struct NextHop { interface: String, address: IpAddr }
}
