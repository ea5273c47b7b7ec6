//! OpenSSH's clients.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use anyhow::Result;
use sps_harness::Testbed;

/// `ssh`, `sftp` or `scp` to a port of this machine, with a password; the host key is learnt at the first meeting.
///
/// # Errors
/// When the file that tells the password cannot be written.
pub fn ssh_client(bed: &Testbed, program: &str, port: u16, password: &str) -> Result<Command> {
    let askpass = bed.files().join("askpass");
    fs::write(&askpass, format!("#!/bin/sh\necho '{password}'\n"))?;
    fs::set_permissions(&askpass, fs::Permissions::from_mode(0o700))?;
    let mut command = Command::new(program);
    command
        .env("SSH_ASKPASS", askpass)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .args([
            "-F",
            "none",
            "-o",
            "NumberOfPasswordPrompts=1",
            "-o",
            "StrictHostKeyChecking=accept-new",
        ])
        .arg("-o")
        .arg(format!(
            "UserKnownHostsFile={}",
            bed.files().join("known").display()
        ))
        .args([if program == "ssh" { "-p" } else { "-P" }, &port.to_string()])
        .stdin(Stdio::null());
    Ok(command)
}
