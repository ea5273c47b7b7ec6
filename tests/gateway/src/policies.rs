//! Documents for gateways that are tried.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use sps_cluster_config::Cluster;
use sps_cluster_config::sections::connections::{
    Channel, Destination, SshAuthentication, SshConnection, SshSettings,
};
use sps_cluster_config::sections::policies::AuditPolicy;
use sps_proxy_engine::Kind;

/// Everything allowed from this machine's own addresses to one server on 127.0.0.1; passwords and prompts are the server's. Recorded and
/// encrypted for these certificates, PEM.
#[must_use]
pub fn to_server(port: u16, server: u16, audit: bool, encryption: Vec<String>) -> Cluster {
    let channel = |(kind, _): (&str, Kind)| Channel {
        kind: kind.into(),
        audit,
        ..Channel::default()
    };
    let mut document = Cluster::default();
    let ssh = &mut document.connections.ssh;
    ssh.connections = vec![SshConnection {
        name: "servers".into(),
        enabled: true,
        from: "127.0.0.0/8".parse().into_iter().collect(),
        to: "127.0.0.0/8".parse().into_iter().collect(),
        port,
        destination: Destination::Fixed {
            server: "127.0.0.1".into(),
            port: server,
        },
        channel_policy: "all".into(),
        authentication_policy: "relayed".into(),
        settings: "base".into(),
        audit_policy: Some("trails".into()),
        ..SshConnection::default()
    }];
    ssh.channel_policies = [("all".to_owned(), Kind::ALL.map(channel).to_vec())].into();
    let relayed = SshAuthentication {
        relayed: vec!["password".into(), "keyboard-interactive".into()],
        ..SshAuthentication::default()
    };
    ssh.authentication_policies = [("relayed".to_owned(), relayed)].into();
    ssh.settings = [("base".to_owned(), SshSettings::default())].into();
    let trails = AuditPolicy {
        encryption,
        ..AuditPolicy::default()
    };
    document.policies.audit = [("trails".to_owned(), trails)].into();
    document
}

/// A port that nobody listens on.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A certificate that trails are encrypted for: the path of its PEM in `folder`, its key beside it.
///
/// # Errors
/// When `openssl` makes none.
pub fn certificate(folder: &Path) -> Result<PathBuf> {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=auditor",
            "-keyout",
            "key",
            "-out",
            "pem",
        ])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status()?;
    ensure!(made.success(), "openssl makes no certificate");
    Ok(folder.join("pem"))
}
