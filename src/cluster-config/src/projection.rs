//! What each node keeps of the cluster document on its own `state`: enough for network, console and rescue without `data`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::cluster::Cluster;
use crate::protected::Protected;
use crate::record::hex;
use crate::sections::certificates::Credential;
use crate::sections::management::Transport;
use crate::sections::network::{Interface, Route};
use crate::sections::nodes::HighAvailability;
use crate::sections::system::LicenceReference;

mod kept;
#[cfg(test)]
mod tests;

pub use kept::KeptError;

/// The parts of one revision that a node keeps. Secrets are in it in plain: it lies on `state`, where the node's own keys lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeProjection {
    /// Revision of the cluster document.
    pub revision: u64,
    /// SHA-256 over everything else, hexadecimal: two nodes that tell the same have the same.
    pub sha256: String,
    /// Host name, without domain.
    pub host_name: String,
    /// Domain for short names.
    pub domain: Option<String>,
    /// Interfaces by name.
    pub interfaces: BTreeMap<String, Interface>,
    /// Routes besides those of the interfaces.
    pub routes: Vec<Route>,
    /// Name servers.
    pub dns: Vec<IpAddr>,
    /// Certificate of the boot page: that of the web interface.
    pub boot_certificate: Option<Credential>,
    /// Who may log in at the console and in rescue.
    pub administrators: Administrators,
    /// Sealed mode.
    pub sealed: bool,
    /// The pair.
    pub high_availability: HighAvailability,
    /// Name of the time zone in the IANA database.
    pub time_zone: String,
    /// Names or addresses of time servers.
    pub time_servers: Vec<String>,
    /// Where logs go.
    pub log_targets: Vec<LogTarget>,
    /// The licence in force.
    pub licence: Option<LicenceReference>,
}

/// Who may log in at the console and in rescue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Administrators {
    /// Argon2id hash of the console password.
    pub console_password: Option<Protected>,
    /// Argon2id hash of the password of `admin`.
    pub admin_password: Option<Protected>,
    /// Public keys that may log in over SSH, one `authorized_keys` line each.
    pub ssh_keys: Vec<String>,
}

/// A server that takes logs, with the certificates of the CAs it is trusted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogTarget {
    /// Name or address.
    pub server: String,
    /// Port.
    pub port: u16,
    /// How logs are sent.
    pub transport: Transport,
    /// Certificate the node presents.
    pub client: Option<Credential>,
    /// Certificates of CAs, PEM.
    pub trusted: Vec<String>,
}

/// Why there is no projection.
#[derive(Debug, Error)]
pub enum ProjectionError {
    /// Writing it out for its digest.
    #[error("could not write the node's part of the configuration out: {0}")]
    Encode(serde_json::Error),
}

/// The parts of revision `revision` that a node keeps.
///
/// # Errors
/// None is known.
pub fn project(document: &Cluster, revision: u64) -> Result<NodeProjection, ProjectionError> {
    let network = &document.network;
    let mut projection = NodeProjection {
        revision,
        sha256: String::new(),
        host_name: network.host_name.clone(),
        domain: network.domain.clone(),
        interfaces: network.interfaces.clone(),
        routes: network.routes.clone(),
        dns: network.dns.clone(),
        boot_certificate: document.certificates.web.clone(),
        administrators: Administrators {
            console_password: document.users.console_password.clone(),
            admin_password: document.users.admin_password.clone(),
            ssh_keys: document.local_services.ssh_server.authorized_keys.clone(),
        },
        sealed: document.system.sealed,
        high_availability: document.high_availability.clone(),
        time_zone: document.date_time.time_zone.clone(),
        time_servers: document.date_time.servers.clone(),
        log_targets: log_targets(document),
        licence: document.system.licence.clone(),
    };
    projection.sha256 = projection.digest()?;
    Ok(projection)
}

fn log_targets(document: &Cluster) -> Vec<LogTarget> {
    let targets = document.management.syslog.iter().map(|server| {
        let store = server
            .trust_store
            .as_ref()
            .and_then(|name| document.trust_stores.get(name));
        LogTarget {
            server: server.server.clone(),
            port: server.port,
            transport: server.transport,
            client: server.client.clone(),
            trusted: store.map(|store| store.certificates.clone()).unwrap_or_default(),
        }
    });
    targets.collect()
}

impl NodeProjection {
    /// Whether it is as it was made.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.digest().is_ok_and(|digest| digest == self.sha256)
    }

    fn digest(&self) -> Result<String, ProjectionError> {
        let covered = Self {
            sha256: String::new(),
            ..self.clone()
        };
        let bytes = serde_json::to_vec(&covered).map_err(ProjectionError::Encode)?;
        Ok(hex(&Sha256::digest(bytes)))
    }
}
