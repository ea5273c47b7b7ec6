//! The node document: what one node knows of itself, before and without `data`.
//!
//! Every field always stands in the file: what a value is can be read there without knowing the defaults. A new field
//! or another meaning raises [`FORMAT`].

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::network::Network;
use crate::secret::Secret;

/// Number of this document's format.
pub const FORMAT: u32 = 1;

/// The configuration of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Host name, interfaces, name servers.
    pub network: Network,
    /// Who may log in at the console and in rescue.
    pub administrators: Administrators,
    /// Time servers.
    pub time: Time,
    /// Sealed mode: no remote login, no plugin change, password fixed. Left only at the console.
    pub sealed: bool,
    /// Private keys of this node.
    pub keys: Keys,
    /// Firmware.
    pub firmware: Firmware,
    /// What is open in rescue.
    pub rescue: Rescue,
}

/// Who may log in at the console and in rescue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Administrators {
    /// Argon2id hash of the console password in PHC format; none until somebody sets one.
    pub console_password: Option<Secret>,
    /// Argon2id hash of the password of `admin`, the web user that cannot be deleted; none until the appliance is set up.
    pub admin_password: Option<Secret>,
    /// Public keys that may log in over SSH in rescue, one `authorized_keys` line each.
    pub ssh_keys: Vec<String>,
}

/// Time zone and time servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Name of the time zone in the IANA database, such as `Europe/Vienna`: how people see times. Everything is kept in UTC.
    pub zone: String,
    /// Names or addresses; when there are none, those that DHCP servers name.
    pub servers: Vec<TimeServer>,
}

impl Default for Time {
    fn default() -> Self {
        Self {
            zone: "UTC".into(),
            servers: Vec::new(),
        }
    }
}

/// A time server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TimeServer {
    /// By address.
    Address(IpAddr),
    /// By name.
    Name(String),
}

/// Private keys of this node; made at its first boot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Certificate and private key of the boot page.
    pub web: Option<KeyPair>,
    /// SSH host key, OpenSSH format.
    pub ssh_host: Option<Secret>,
    /// Key that wraps the cluster's key on this node, base64.
    pub node: Option<Secret>,
}

/// A certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPair {
    /// Certificate chain, PEM.
    pub certificate: String,
    /// Private key, PEM.
    pub private_key: Secret,
}

/// Firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firmware {
    /// Hours for which a new firmware must have been healthy until it is committed by itself; 0: by hand only.
    pub commit_after_hours: u32,
    /// Whether `admin` may send firmware by SFTP and scp while the appliance does its work.
    // Left out while it is off: an earlier firmware, to which one may go back, knows nothing of it.
    #[serde(default, skip_serializing_if = "is_off")]
    pub ssh_upload: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_off(on: &bool) -> bool {
    !*on
}

/// Hours after which a healthy firmware is committed when nobody says otherwise.
pub const DEFAULT_COMMIT_AFTER_HOURS: u32 = 24;

impl Default for Firmware {
    fn default() -> Self {
        Self {
            commit_after_hours: DEFAULT_COMMIT_AFTER_HOURS,
            ssh_upload: false,
        }
    }
}

/// What is open in rescue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescue {
    /// Interfaces on which SSH listens.
    pub ssh: RescueSsh,
}

/// Interfaces on which SSH listens in rescue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RescueSsh {
    /// The first interface: the one administrators use.
    #[default]
    Management,
    /// Every active interface.
    All,
    /// None.
    Off,
    /// These.
    Interfaces(Vec<String>),
}
