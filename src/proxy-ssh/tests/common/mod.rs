//! A proxy between OpenSSH's client and OpenSSH's server.

#![allow(dead_code, unused_imports, reason = "every test file uses a part of it")]

mod appliance;
mod namespaces;

pub(crate) use appliance::{Appliance, Kept, Settings};
pub(crate) use namespaces::Machine;
pub(crate) use sps_harness::Sshd;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;

use sps_proxy_ssh::{Limits, SshProxy};
use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// The user of the server, and the password there.
pub(crate) const USER: &str = Sshd::USER;
pub(crate) const USER_PASSWORD: &str = Sshd::PASSWORD;

/// Makes a key pair.
pub(crate) fn keygen(path: &Path, kind: &str) {
    sps_harness::keygen(path, kind).unwrap();
}

/// All of it.
pub(crate) struct Lab {
    pub(crate) server: Sshd,
    pub(crate) appliance: Arc<Appliance>,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    shutdown: CancellationToken,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Lab {
    /// A server, and a proxy whose only connection goes there.
    pub(crate) async fn start(settings: impl FnOnce(&mut Settings)) -> Self {
        let server = Sshd::start("").unwrap();
        Self::before(server, settings).await
    }

    pub(crate) async fn before(server: Sshd, settings: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut own = Settings::to(server.port());
        settings(&mut own);
        let appliance = Arc::new(Appliance::new(own));
        let shutdown = CancellationToken::new();
        let proxy = SshProxy::new(appliance.clone(), Limits::default(), Arc::default());
        let listening = proxy.listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listening.address();
        appliance.listens(address.port());
        let stop = shutdown.clone();
        tokio::spawn(async move {
            stop.cancelled().await;
            drop(listening);
            proxy.shut_down().await;
        });
        Self {
            server,
            appliance,
            address,
            folder,
            shutdown,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A client that answers every question with `password`.
    pub(crate) fn client(&self, program: &str, user: &str, password: &str) -> Command {
        let ask = askpass(self.folder.path(), password);
        let mut command = Command::new(program);
        command
            .env("SSH_ASKPASS", ask)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("DISPLAY", "none")
            .env("HOME", self.folder.path())
            .args(self.options(user))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Options of `ssh`, `scp` and `sftp`.
    pub(crate) fn options(&self, user: &str) -> Vec<String> {
        options(self.folder.path(), self.address.port(), user)
    }

    /// Runs a command on the server through the proxy.
    pub(crate) async fn ssh(&self, arguments: &[&str]) -> Said {
        let mut command = self.client("ssh", USER, USER_PASSWORD);
        command.arg("127.0.0.1").args(arguments);
        Said::from(command.output().await.unwrap())
    }
}

/// A program that answers every question of a client with `password`.
pub(crate) fn askpass(folder: &Path, password: &str) -> PathBuf {
    let ask = folder.join(format!("ask-{}", password.len()));
    std::fs::write(&ask, format!("#!/bin/sh\necho '{password}'\n")).unwrap();
    std::fs::set_permissions(&ask, PermissionsExt::from_mode(0o755)).unwrap();
    ask
}

/// Options of `ssh`, `scp` and `sftp`, which keep what they know in `folder`.
pub(crate) fn options(folder: &Path, port: u16, user: &str) -> Vec<String> {
    let known = folder.join("known_hosts");
    [
        "-F".to_owned(),
        "none".to_owned(),
        format!("-oPort={port}"),
        format!("-oUser={user}"),
        format!("-oUserKnownHostsFile={}", known.display()),
        "-oStrictHostKeyChecking=accept-new".to_owned(),
        "-oIdentitiesOnly=yes".to_owned(),
        "-oIdentityFile=none".to_owned(),
        "-oNumberOfPasswordPrompts=1".to_owned(),
        "-oLogLevel=ERROR".to_owned(),
    ]
    .into()
}

/// What a client said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Bytes that nobody can compress or guess, the same every time.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A file with noise.
pub(crate) fn noise_file(path: &Path, length: usize) -> Vec<u8> {
    let bytes = noise(length);
    std::fs::write(path, &bytes).unwrap();
    bytes
}
