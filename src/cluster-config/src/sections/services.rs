//! The pages *Basic Settings > Local Services* and *Date & Time*.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::protected::Protected;
use crate::sections::certificates::Credential;

/// What listens on the appliance itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalServices {
    /// Web interface.
    pub web_login: WebLogin,
    /// SSH of the appliance.
    pub ssh_server: SshServer,
    /// SNMP agent.
    pub snmp_agent: SnmpAgent,
    /// Indexer.
    pub indexer: IndexerService,
    /// Figures for programs that watch the appliance.
    #[serde(default)]
    pub metrics: MetricsService,
}

/// Figures for programs that watch the appliance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsService {
    /// Whoever shows it may read them without a session of REST; none: nobody may.
    pub token: Option<Protected>,
}

/// Web interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebLogin {
    /// Addresses it listens on; none: every one.
    pub addresses: Vec<IpAddr>,
    /// TCP port.
    pub port: u16,
    /// Minutes without a click after which a login ends.
    pub timeout_minutes: u32,
}

/// SSH of the appliance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshServer {
    /// Whether it listens.
    pub enabled: bool,
    /// Addresses it listens on; none: every one.
    pub addresses: Vec<IpAddr>,
    /// Public keys that may log in, one `authorized_keys` line each.
    pub authorized_keys: Vec<String>,
}

/// SNMP agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnmpAgent {
    /// Whether it answers.
    pub enabled: bool,
    /// Community of SNMP 2c.
    pub community: Option<Protected>,
}

/// Indexer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexerService {
    /// Whether external indexers may connect.
    pub enabled: bool,
    /// Keys that decrypt audit trails.
    pub indexer_keys: Vec<Credential>,
    /// How external indexers are authenticated.
    pub credentials: Option<Credential>,
}

/// Time zone and time servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateTime {
    /// Name of the time zone in the IANA database.
    pub time_zone: String,
    /// Names or addresses of time servers.
    pub servers: Vec<String>,
}
