//! A client, the gateway and a server: OpenSSH at both ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Result;
use sps_cluster_config::Cluster;
use sps_harness::Sshd;
use tempfile::TempDir;
use tokio::process::Command;

use crate::ground::{Running, start};
use crate::policies;

/// All of it; it ends with this.
pub struct Laboratory {
    /// The server.
    pub server: Sshd,
    /// The gateway.
    pub running: Running,
    folder: TempDir,
}

impl Laboratory {
    /// Everything allowed and recorded, but for what `change` says.
    ///
    /// # Errors
    /// When something does not start.
    pub fn start(change: impl FnOnce(&mut Cluster)) -> Result<Self> {
        let server = Sshd::start("")?;
        let folder = tempfile::tempdir()?;
        let port = policies::free_port()?;
        let mut document = policies::to_server(port, server.port(), true, vec![]);
        change(&mut document);
        let data = folder.path().join("data");
        fs::create_dir(&data)?;
        let running = start(&data, &document, ([127, 0, 0, 1], port).into())?;
        Ok(Self {
            server,
            running,
            folder,
        })
    }

    /// A place for a file of the test.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `ssh`, `scp` or `sftp` with what they need to come through the gateway.
    ///
    /// # Errors
    /// When its helper cannot be written.
    pub fn client(&self, program: &str) -> Result<Command> {
        let ask = self.path("ask");
        if !ask.exists() {
            fs::write(&ask, format!("#!/bin/sh\necho '{}'\n", Sshd::PASSWORD))?;
            fs::set_permissions(&ask, PermissionsExt::from_mode(0o755))?;
        }
        let known = self.path("known_hosts");
        let mut command = Command::new(program);
        command
            .env("SSH_ASKPASS", ask)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("DISPLAY", "none")
            .env("HOME", self.folder.path())
            .args(["-F", "none", "-oIdentitiesOnly=yes", "-oIdentityFile=none"])
            .args([
                "-oNumberOfPasswordPrompts=1",
                "-oStrictHostKeyChecking=accept-new",
            ])
            .arg(format!("-oUserKnownHostsFile={}", known.display()))
            .arg(format!("-oPort={}", self.running.address.port()))
            .arg(format!("-oUser={}", Sshd::USER))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    }
}
