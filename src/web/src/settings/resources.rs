//! Every resource: its name by REST and on pages, and where it is in the document. The names of SPS stand here and nowhere else.

use super::describe::{basic, connections, policies};
use super::kind::Kind;

/// A page, and the resources on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// Beginning of the names of its resources.
    pub(crate) name: &'static str,
    /// Title of the page.
    pub(crate) title: &'static str,
}

/// One resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resource {
    /// Its name below `/api/configuration/`.
    pub(crate) name: &'static str,
    /// Its path in the document.
    pub(crate) path: &'static str,
    /// What people call it.
    pub(crate) title: &'static str,
    pub(crate) shape: Shape,
}

/// One object, or many.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// One.
    One(Kind),
    /// Many by their names.
    Many {
        /// Each.
        each: Kind,
        /// What a program finds it under, where it is no object: an object that has a name is.
        under: Option<&'static str>,
        /// Fields that a table shows.
        columns: &'static [&'static str],
    },
}

impl Resource {
    /// Whether it belongs to a group.
    pub(crate) fn is_in(&self, group: &Group) -> bool {
        let rest = self.name.strip_prefix(group.name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

const fn one(name: &'static str, path: &'static str, title: &'static str, kind: Kind) -> Resource {
    Resource {
        name,
        path,
        title,
        shape: Shape::One(kind),
    }
}

const fn many(
    name: &'static str,
    path: &'static str,
    title: &'static str,
    each: Kind,
    columns: &'static [&'static str],
) -> Resource {
    let shape = Shape::Many {
        each,
        under: None,
        columns,
    };
    Resource {
        name,
        path,
        title,
        shape,
    }
}

const fn under(mut resource: Resource, key: &'static str) -> Resource {
    if let Shape::Many { under, .. } = &mut resource.shape {
        *under = Some(key);
    }
    resource
}

/// Every page of settings, in the order of the navigation.
pub(crate) const GROUPS: &[Group] = &[
    group("management", "Management"),
    group("local_services", "Local Services"),
    group("datetime", "Date & Time"),
    group("trust_stores", "Trust Stores"),
    group("high_availability", "High Availability"),
    group("cluster", "Cluster management"),
    group("aaa", "Users and groups"),
    group("policies", "Policies"),
    group("ssh", "SSH Control"),
    group("rdp", "RDP Control"),
    group("http", "HTTP Control"),
];

const fn group(name: &'static str, title: &'static str) -> Group {
    Group { name, title }
}

const TO: &[&str] = &["enabled", "from", "to", "port"];

/// Every resource, page by page.
pub(crate) const RESOURCES: &[Resource] = &[
    one(
        "management/disk_fillup_prevention",
        "management/disk_fill_up_prevention",
        "Disk space fill-up prevention",
        basic::DISK_FILL_UP,
    ),
    one(
        "management/change_log",
        "management/change_log",
        "Change log",
        basic::CHANGE_LOG,
    ),
    one(
        "management/email",
        "management/mail",
        "Mail settings",
        basic::MAIL,
    ),
    one(
        "management/snmp_traps",
        "management/snmp_traps",
        "SNMP trap settings",
        basic::SNMP_TRAPS,
    ),
    one(
        "management/syslog",
        "management/syslog",
        "Syslog receivers",
        basic::SYSLOG,
    ),
    one(
        "management/splunk",
        "management/splunk",
        "Splunk forwarder",
        basic::SPLUNK,
    ),
    one(
        "management/session_database",
        "management/session_database",
        "Session database",
        basic::SESSION_DATABASE,
    ),
    one(
        "management/certificates",
        "certificates",
        "SSL certificates",
        basic::CERTIFICATES,
    ),
    one(
        "local_services/admin_web",
        "local_services/web_login",
        "Web login",
        basic::WEB_LOGIN,
    ),
    one(
        "local_services/ssh",
        "local_services/ssh_server",
        "SSH server",
        basic::SSH_SERVER,
    ),
    one(
        "local_services/snmp_agent",
        "local_services/snmp_agent",
        "SNMP agent",
        basic::SNMP_AGENT,
    ),
    one(
        "local_services/indexer",
        "local_services/indexer",
        "Indexer service",
        basic::INDEXER,
    ),
    one(
        "local_services/metrics",
        "local_services/metrics",
        "Metrics",
        basic::METRICS,
    ),
    one("datetime", "date_time", "Date & Time", basic::DATE_TIME),
    many(
        "trust_stores",
        "trust_stores",
        "Trust Stores",
        basic::TRUST_STORE,
        &["revocation_check"],
    ),
    one(
        "high_availability",
        "high_availability",
        "High availability",
        basic::HIGH_AVAILABILITY,
    ),
    many(
        "cluster/nodes",
        "cluster/nodes",
        "Nodes",
        basic::CLUSTER_NODE,
        &["address", "roles"],
    ),
    many(
        "aaa/local_database/users",
        "users/local",
        "Local users",
        basic::LOCAL_USER,
        &[],
    ),
    many(
        "aaa/local_database/groups",
        "users/groups",
        "User groups",
        basic::GROUP,
        &["members"],
    ),
    one(
        "aaa/settings",
        "users/authentication",
        "Authentication",
        basic::AUTHENTICATION,
    ),
    one(
        "aaa/admin_password",
        "users/admin_password",
        "Password of admin",
        basic::PASSWORD,
    ),
    one(
        "aaa/console_password",
        "users/console_password",
        "Console password",
        basic::PASSWORD,
    ),
    many(
        "policies/audit_policies",
        "policies/audit",
        "Audit policies",
        policies::AUDIT,
        &["timestamp_seconds"],
    ),
    many(
        "policies/content_policies",
        "policies/content",
        "Content policies",
        policies::CONTENT,
        &[],
    ),
    many(
        "policies/time_policies",
        "policies/time",
        "Time policies",
        policies::TIME,
        &[],
    ),
    many(
        "policies/user_lists",
        "policies/user_lists",
        "User lists",
        policies::USER_LIST,
        &["allow", "except"],
    ),
    under(
        many(
            "policies/user_databases",
            "policies/user_databases",
            "Local user databases",
            policies::USER_DATABASE,
            &[],
        ),
        "users",
    ),
    many(
        "policies/user_mappings",
        "policies/user_mappings",
        "User mapping policies",
        policies::USER_MAPPING,
        &["others"],
    ),
    many(
        "policies/credential_stores",
        "policies/credential_stores",
        "Credential stores",
        policies::CREDENTIAL_STORE,
        &[],
    ),
    many(
        "policies/ldap_servers",
        "policies/ldap_servers",
        "LDAP servers",
        policies::LDAP,
        &["servers", "port", "encryption"],
    ),
    many(
        "policies/signing_cas",
        "policies/signing_cas",
        "Signing CAs",
        policies::SIGNING_CA,
        &[],
    ),
    many(
        "policies/indexer_policies",
        "policies/indexer",
        "Indexer policies",
        policies::INDEXER,
        &["languages"],
    ),
    many(
        "policies/backup_policies",
        "policies/backup",
        "Backup policies",
        policies::BACKUP,
        &["start"],
    ),
    many(
        "policies/archive_policies",
        "policies/archive",
        "Archive policies",
        policies::ARCHIVE,
        &["start", "after_days"],
    ),
    many(
        "ssh/connections",
        "connections/ssh/connections",
        "Connections",
        connections::SSH,
        TO,
    ),
    under(
        many(
            "ssh/channel_policies",
            "connections/ssh/channel_policies",
            "Channel policies",
            connections::CHANNELS,
            &[],
        ),
        "channels",
    ),
    many(
        "ssh/authentication_policies",
        "connections/ssh/authentication_policies",
        "Authentication policies",
        connections::SSH_AUTHENTICATION,
        &["gateway", "relayed"],
    ),
    many(
        "ssh/settings_policies",
        "connections/ssh/settings",
        "Settings",
        connections::SSH_SETTINGS,
        &["idle_timeout_seconds"],
    ),
    one(
        "ssh/options",
        "connections/ssh/options",
        "Global options",
        connections::SSH_OPTIONS,
    ),
    many(
        "rdp/connections",
        "connections/rdp/connections",
        "Connections",
        connections::RDP,
        TO,
    ),
    under(
        many(
            "rdp/channel_policies",
            "connections/rdp/channel_policies",
            "Channel policies",
            connections::CHANNELS,
            &[],
        ),
        "channels",
    ),
    many(
        "rdp/settings_policies",
        "connections/rdp/settings",
        "Settings",
        connections::RDP_SETTINGS,
        &["idle_timeout_seconds"],
    ),
    one(
        "rdp/domain",
        "connections/rdp/domain",
        "Domain membership",
        connections::DOMAIN,
    ),
    many(
        "http/connections",
        "connections/http/connections",
        "Connections",
        connections::HTTP,
        TO,
    ),
];
