//! The sections *SSH Control*, *RDP Control* and *HTTP Control*. The first connection that fits a client is taken: their order counts.

use std::collections::BTreeMap;

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::protected::Protected;

/// Connections and what belongs to them, by protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connections {
    /// SSH.
    pub ssh: SshControl,
    /// RDP.
    pub rdp: RdpControl,
    /// HTTP.
    pub http: HttpControl,
}

/// SSH Control.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshControl {
    /// Tried one after the other.
    pub connections: Vec<SshConnection>,
    /// What may be done inside a connection.
    pub channel_policies: BTreeMap<String, Vec<Channel>>,
    /// How users are authenticated.
    pub authentication_policies: BTreeMap<String, SshAuthentication>,
    /// The protocol's own settings.
    pub settings: BTreeMap<String, SshSettings>,
    /// What holds for all of them.
    #[serde(default)]
    pub options: SshOptions,
}

/// A connection policy of SSH.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshConnection {
    /// Its name; nobody else's of this protocol.
    pub name: String,
    /// Whether clients are let in.
    pub enabled: bool,
    /// Networks of clients.
    pub from: Vec<IpNet>,
    /// Addresses that clients connect to.
    pub to: Vec<IpNet>,
    /// TCP port that clients connect to.
    pub port: u16,
    /// Where it goes.
    pub destination: Destination,
    /// Name of its channel policy.
    pub channel_policy: String,
    /// Name of its authentication policy.
    pub authentication_policy: String,
    /// Name of its settings.
    pub settings: String,
    /// Name of its audit policy; none: trails are neither encrypted nor signed.
    pub audit_policy: Option<String>,
    /// Host keys that clients see.
    pub host_keys: HostKeys,
    /// What is asked of the host keys of servers.
    #[serde(default)]
    pub host_key_check: HostKeyCheck,
    /// The address servers see.
    #[serde(default)]
    pub source: Source,
    /// Name of a user mapping policy; none: whoever may log in may be anybody whom the server knows.
    #[serde(default)]
    pub user_mapping: Option<String>,
    /// Name of a credential store whose accounts open servers; none: people log in there themselves.
    #[serde(default)]
    pub credential_store: Option<String>,
    /// Name of an indexer policy; none: the content of its sessions is not searched.
    #[serde(default)]
    pub indexer_policy: Option<String>,
}

/// What is asked of the host key of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeyCheck {
    /// The first is kept; another one later stops the connection.
    #[default]
    AcceptFirst,
    /// It must have been added before.
    OnlyKnown,
    /// Nothing: whoever answers is the server.
    Unchecked,
}

/// The address servers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// The appliance's own.
    Own {},
    /// The client's: the way back must lead through the appliance.
    Client {},
    /// One of the appliance's.
    Fixed {
        /// Which.
        address: IpAddr,
    },
}

impl Default for Source {
    fn default() -> Self {
        Self::Own {}
    }
}

/// Host keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostKeys {
    /// RSA.
    pub rsa: Option<SshKey>,
    /// Ed25519.
    pub ed25519: Option<SshKey>,
}

/// A host key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshKey {
    /// Public half, a line as in `authorized_keys`.
    pub public: String,
    /// Private half, OpenSSH format.
    pub private: Protected,
}

/// Something that may be done inside a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Its name in the protocol: `shell`, `sftp`, `clipboard`, …
    pub kind: String,
    /// Whether it is recorded.
    pub audit: bool,
    /// Networks of clients; none: every one.
    pub from: Vec<IpNet>,
    /// Name of a content policy.
    pub content_policy: Option<String>,
    /// Name of a time policy.
    pub time_policy: Option<String>,
    /// Name of a user list.
    pub user_list: Option<String>,
    /// Commands of `exec` and `scp`, names of a `subsystem`: regular expressions for the whole of it; none: every one.
    #[serde(default)]
    pub commands: Vec<String>,
    /// What may be done to files by `sftp` and `scp`: `read`, `write`, `list`, `delete`; none: everything.
    #[serde(default)]
    pub operations: Vec<String>,
    /// Where `local-forward` may go, and addresses `remote-forward` may wait on; none: everywhere.
    #[serde(default)]
    pub servers: Vec<InbandTarget>,
    /// Whether somebody with the right to must agree before it is opened.
    #[serde(default)]
    pub four_eyes: bool,
    /// Whether a channel in which an SSH connection to somewhere else begins is closed; it is recorded in any case.
    #[serde(default)]
    pub refuse_nested_ssh: bool,
}

/// How users of SSH are authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshAuthentication {
    /// Methods by which the appliance asks.
    pub gateway: Vec<String>,
    /// Methods by which the server asks.
    pub relayed: Vec<String>,
    /// Whether Kerberos tickets count.
    pub gssapi: bool,
    /// Name of a local user database.
    pub user_database: Option<String>,
}

/// SSH's own settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshSettings {
    /// Seconds without data after which a connection ends.
    pub idle_timeout_seconds: u32,
    /// Ciphers that are offered.
    pub ciphers: Vec<String>,
}

/// What holds for all SSH sessions of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshOptions {
    /// How much of sessions is logged, 1 to 10. Secrets are at none of them.
    pub verbosity: u32,
    /// Most sessions at a time.
    pub most_sessions: u32,
    /// Most sessions of one client at a time: an IPv4 address, or an IPv6 network of 64 bits.
    pub most_of_one_client: u32,
    /// Most connections on which nobody is logged in yet; one client may have a quarter of them.
    pub most_logging_in: u32,
    /// Percent of the memory that must be free for another session to begin.
    pub refuse_below_percent: u32,
    /// Percent of the memory below which sessions are ended.
    pub end_below_percent: u32,
    /// Seconds that sessions have between the word that the appliance stops and their end.
    pub restart_grace_seconds: u32,
    /// Whether that word is written into terminals.
    pub restart_message: bool,
}

impl Default for SshOptions {
    fn default() -> Self {
        Self {
            verbosity: 4,
            most_sessions: 4000,
            most_of_one_client: 1000,
            most_logging_in: 200,
            refuse_below_percent: 15,
            end_below_percent: 7,
            restart_grace_seconds: 10,
            restart_message: true,
        }
    }
}

/// RDP Control.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RdpControl {
    /// Tried one after the other.
    pub connections: Vec<RdpConnection>,
    /// What may be done inside a connection.
    pub channel_policies: BTreeMap<String, Vec<Channel>>,
    /// The protocol's own settings.
    pub settings: BTreeMap<String, RdpSettings>,
    /// Domain the appliance is a member of.
    pub domain: Option<String>,
}

/// A connection policy of RDP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RdpConnection {
    /// Its name; nobody else's of this protocol.
    pub name: String,
    /// Whether clients are let in.
    pub enabled: bool,
    /// Networks of clients.
    pub from: Vec<IpNet>,
    /// Addresses that clients connect to.
    pub to: Vec<IpNet>,
    /// TCP port that clients connect to.
    pub port: u16,
    /// Where it goes.
    pub destination: Destination,
    /// Name of its channel policy.
    pub channel_policy: String,
    /// Name of its settings.
    pub settings: String,
    /// Certificate that clients see.
    pub tls: Option<Tls>,
    /// Name of its audit policy.
    pub audit_policy: Option<String>,
    /// Name of a credential store.
    pub credential_store: Option<String>,
}

/// RDP's own settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RdpSettings {
    /// Whether users are authenticated before there is a screen.
    pub network_level_authentication: bool,
    /// Whether they are by the screen of RDP 4.
    pub rdp4_style_authentication: bool,
    /// Seconds without data after which a connection ends.
    pub idle_timeout_seconds: u32,
    /// Largest width, pixels.
    pub maximum_width: u32,
    /// Largest height, pixels.
    pub maximum_height: u32,
}

/// HTTP Control.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpControl {
    /// Tried one after the other.
    pub connections: Vec<HttpConnection>,
}

/// A connection policy of HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConnection {
    /// Its name; nobody else's of this protocol.
    pub name: String,
    /// Whether clients are let in.
    pub enabled: bool,
    /// Networks of clients.
    pub from: Vec<IpNet>,
    /// Addresses that clients connect to.
    pub to: Vec<IpNet>,
    /// TCP port that clients connect to.
    pub port: u16,
    /// Where it goes.
    pub destination: Destination,
    /// Certificate that clients see; none: no TLS.
    pub tls: Option<Tls>,
    /// Trust store that knows the servers' CA.
    pub server_trust_store: Option<String>,
    /// Name of its audit policy.
    pub audit_policy: Option<String>,
    /// Name server for this connection.
    pub resolver: Option<IpAddr>,
}

/// Where a connection goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Destination {
    /// Where the client wanted to go.
    Original {},
    /// One server.
    Fixed {
        /// Name or address.
        server: String,
        /// TCP port.
        port: u16,
    },
    /// The same host part in another network.
    Nat {
        /// That network.
        network: IpNet,
    },
    /// Where the client says in its user name.
    Inband {
        /// What it may name.
        targets: Vec<InbandTarget>,
    },
}

impl Default for Destination {
    fn default() -> Self {
        Self::Original {}
    }
}

/// What a client may name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InbandTarget {
    /// Address, network, or name; `*.` in front of a name stands for everything in a domain.
    pub host: String,
    /// TCP port; none: every one.
    pub port: Option<u16>,
}

/// Certificate that clients see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Tls {
    /// This one.
    Fixed {
        /// Certificate chain, PEM, the leaf first.
        certificate: String,
        /// Private key, PEM.
        private_key: Protected,
    },
    /// One made for each session.
    SigningCa {
        /// Name of the signing CA.
        name: String,
    },
}
