//! The document, and what it is when nobody has set anything up.
//!
//! Every field always stands in the file: what a value is can be read there without knowing the defaults. A new field or another
//! meaning raises [`LAYOUT`], the layout of the whole data store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sections::certificates::Certificates;
use crate::sections::connections::Connections;
use crate::sections::management::{ChangeLog, DiskFillUpPrevention, Management, SessionDatabase};
use crate::sections::network::Network;
use crate::sections::nodes::{ClusterNodes, HighAvailability};
use crate::sections::policies::Policies;
use crate::sections::services::{
    DateTime, IndexerService, LocalServices, MetricsService, SnmpAgent, SshServer, WebLogin,
};
use crate::sections::system::System;
use crate::sections::trust::TrustStore;
use crate::sections::users::{Authentication, Method, Users};

/// Layout of the document that this code reads and writes.
pub const LAYOUT: u32 = 5;

/// The configuration of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Basic Settings > System.
    pub system: System,
    /// Basic Settings > Network.
    pub network: Network,
    /// Basic Settings > Local Services.
    pub local_services: LocalServices,
    /// Basic Settings > Date & Time.
    pub date_time: DateTime,
    /// Basic Settings > Management.
    pub management: Management,
    /// Basic Settings > Trust Stores, by name.
    pub trust_stores: BTreeMap<String, TrustStore>,
    /// Basic Settings > Management > SSL certificates.
    pub certificates: Certificates,
    /// Users & Access Control.
    pub users: Users,
    /// Policies.
    pub policies: Policies,
    /// SSH, RDP and HTTP Control.
    pub connections: Connections,
    /// Basic Settings > Cluster management.
    pub cluster: ClusterNodes,
    /// Basic Settings > High availability.
    pub high_availability: HighAvailability,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            system: System::default(),
            network: network(),
            local_services: local_services(),
            date_time: DateTime {
                time_zone: "UTC".into(),
                servers: Vec::new(),
            },
            management: management(),
            trust_stores: BTreeMap::new(),
            certificates: Certificates::default(),
            users: users(),
            policies: Policies::default(),
            connections: Connections::default(),
            cluster: ClusterNodes::default(),
            high_availability: HighAvailability {
                enabled: false,
                next_hops: Vec::new(),
                sync_rate_mbit: 10,
            },
        }
    }
}

fn network() -> Network {
    Network {
        host_name: sps_config::DEFAULT_HOST_NAME.into(),
        domain: None,
        interfaces: BTreeMap::new(),
        routes: Vec::new(),
        dns: Vec::new(),
    }
}

fn local_services() -> LocalServices {
    LocalServices {
        web_login: WebLogin {
            addresses: Vec::new(),
            port: 443,
            timeout_minutes: 10,
        },
        ssh_server: SshServer {
            enabled: false,
            addresses: Vec::new(),
            authorized_keys: Vec::new(),
        },
        snmp_agent: SnmpAgent::default(),
        indexer: IndexerService::default(),
        metrics: MetricsService::default(),
    }
}

fn management() -> Management {
    Management {
        disk_fill_up_prevention: DiskFillUpPrevention {
            enabled: true,
            used_space_ratio_limit: 80,
            archiving_enabled: false,
        },
        change_log: ChangeLog::default(),
        mail: None,
        snmp_traps: None,
        splunk: None,
        syslog: Vec::new(),
        session_database: SessionDatabase::default(),
    }
}

fn users() -> Users {
    Users {
        admin_password: None,
        console_password: None,
        local: BTreeMap::new(),
        groups: BTreeMap::new(),
        authentication: Authentication {
            method: Method::Local,
            ldap_server: None,
            radius: None,
            x509: None,
        },
    }
}
