//! The page *Basic Settings > Management*.

use serde::{Deserialize, Serialize};

use crate::protected::Protected;
use crate::sections::certificates::Credential;

/// How the appliance is managed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Management {
    /// What happens when disks fill up.
    pub disk_fill_up_prevention: DiskFillUpPrevention,
    /// What a change must say.
    pub change_log: ChangeLog,
    /// Mail server for alerts and reports.
    pub mail: Option<Mail>,
    /// Where alerts go by SNMP.
    pub snmp_traps: Option<SnmpTraps>,
    /// Where sessions are forwarded to.
    pub splunk: Option<Splunk>,
    /// Where logs go.
    pub syslog: Vec<SyslogServer>,
    /// How long sessions are kept.
    pub session_database: SessionDatabase,
}

/// What happens when disks fill up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskFillUpPrevention {
    /// Whether clients are disconnected.
    pub enabled: bool,
    /// Percent used at which they are, 50 to 98.
    pub used_space_ratio_limit: u32,
    /// Whether archiving starts then.
    pub archiving_enabled: bool,
}

/// What a change must say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeLog {
    /// Whether it needs a reason in words.
    pub require_message: bool,
}

/// Mail server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Name or address.
    pub server: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// Address that mails come from.
    pub sender: String,
    /// Addresses of administrators.
    pub recipients: Vec<String>,
    /// Certificate the appliance presents.
    pub client: Option<Credential>,
    /// The server's own certificate, PEM; none: any that the trust store knows.
    pub server_certificate: Option<String>,
    /// Trust store that knows the server's CA.
    pub trust_store: Option<String>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// Not at all.
    None,
    /// TLS after a command.
    Starttls,
    /// TLS from the start.
    Tls,
}

/// Where alerts go by SNMP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnmpTraps {
    /// Names or addresses.
    pub servers: Vec<String>,
    /// Community of SNMP 2c.
    pub community: Protected,
}

/// A Splunk server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Splunk {
    /// Name or address.
    pub server: String,
    /// TCP port of its HTTP event collector.
    pub port: u16,
    /// Token of its HTTP event collector.
    pub token: Protected,
    /// The server's own certificate, PEM.
    pub server_certificate: Option<String>,
}

/// A server that takes logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogServer {
    /// Name or address.
    pub server: String,
    /// Port.
    pub port: u16,
    /// How logs are sent.
    pub transport: Transport,
    /// Certificate the appliance presents.
    pub client: Option<Credential>,
    /// Trust store that knows the server's CA.
    pub trust_store: Option<String>,
}

/// How logs are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// RFC 5426.
    Udp,
    /// RFC 6587.
    Tcp,
    /// RFC 5425.
    Tls,
}

/// How long sessions are kept, days; none: until archived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionDatabase {
    /// Their metadata.
    pub keep_metadata_days: Option<u32>,
    /// Their content that is searched.
    pub keep_content_days: Option<u32>,
}
