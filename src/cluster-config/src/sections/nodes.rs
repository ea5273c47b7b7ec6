//! The pages *Basic Settings > Cluster management* and *High availability*.

use std::collections::BTreeMap;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Appliances that are managed together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterNodes {
    /// By node identifier.
    pub nodes: BTreeMap<String, ClusterNode>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterNode {
    /// Where the others reach it.
    pub address: IpAddr,
    /// What it does for them.
    pub roles: Vec<Role>,
}

/// What a node of a cluster does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Its configuration is everybody's.
    CentralManagement,
    /// It takes its configuration from the central management.
    ManagedHost,
    /// Sessions of all are searched here.
    SearchMaster,
    /// Its sessions are searched at the search master.
    SearchMinion,
    /// Its sessions are searched on itself.
    SearchLocal,
}

/// The pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HighAvailability {
    /// Whether there is a pair.
    pub enabled: bool,
    /// Routers whose loss is a reason to hand over.
    pub next_hops: Vec<NextHop>,
    /// Limit of the synchronization, megabits a second.
    pub sync_rate_mbit: u32,
}

/// A router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextHop {
    /// Name of the interface.
    pub interface: String,
    /// Its address.
    pub address: IpAddr,
}
