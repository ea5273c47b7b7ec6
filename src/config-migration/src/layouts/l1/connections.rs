//! Layout 1: what is under *SSH Control*, *RDP Control* and *HTTP Control*.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::basic::{Credential, Secret};
use crate::shape::shape;

/// Where a connection goes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Destination {
    /// Where the client wanted to go.
    Original {},
    Fixed {
        server: String,
        port: u16,
    },
    Nat {
        network: String,
    },
    /// The client names it; these are allowed: addresses, networks, host names, `*` in front.
    Inband {
        targets: Vec<InbandTarget>,
    },
}

/// With which certificate a connection presents itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Tls {
    /// This one.
    Fixed {
        certificate: String,
        private_key: Secret,
    },
    /// One made for each session by a signing CA.
    SigningCa { name: String },
}

shape! {
    struct InbandTarget { host: String } maybe { port: u16 }

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
    struct HostKeys {} maybe { rsa: SshKey, dsa: SshKey, x509: Credential }
    /// The public half is a line as in `authorized_keys`.
    struct SshKey { public: String, private: Secret }
    struct Channel { kind: String, audit: bool, from: Vec<String> }
    maybe { content_policy: String, time_policy: String, user_list: String }
    struct SshAuthentication {
        gateway: Vec<String>,
        relayed: Vec<String>,
        gssapi: bool,
        /// Whether GSSAPI users reach the server as `user@REALM`.
        client_name_with_realm: bool,
    }
    maybe { user_database: String }
    struct SshSettings { idle_timeout_seconds: u32, ciphers: Vec<String> }

    struct RdpControl {
        connections: Vec<RdpConnection>,
        channel_policies: BTreeMap<String, Vec<Channel>>,
        settings: BTreeMap<String, RdpSettings>,
    }
    maybe { domain: String }
    struct RdpConnection {
        name: String,
        enabled: bool,
        from: Vec<String>,
        to: Vec<String>,
        port: u16,
        destination: Destination,
        channel_policy: String,
        settings: String,
    }
    maybe { tls: Tls, audit_policy: String, credential_store: String }
    struct RdpSettings {
        network_level_authentication: bool,
        rdp4_style_authentication: bool,
        idle_timeout_seconds: u32,
        maximum_width: u32,
        maximum_height: u32,
    }

    struct HttpControl { connections: Vec<HttpConnection> }
    struct HttpConnection {
        name: String,
        enabled: bool,
        from: Vec<String>,
        to: Vec<String>,
        port: u16,
        destination: Destination,
    }
    maybe { tls: Tls, server_trusted_ca_list: String, audit_policy: String, resolver: IpAddr }
}
