//! What somebody who looks at the gateway from outside thinks of it: ssh-audit, which knows what is broken, weak or about to be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod common;

use std::path::PathBuf;
use std::process::Stdio;

use common::Lab;
use russh::keys::PrivateKey;
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

/// Where it is: where `cargo xtask test` says, else where `cargo xtask setup` puts it, by what is named today.
fn program() -> PathBuf {
    let folder = std::env::var_os("SPS_SSH_JUDGE").map_or_else(
        || {
            let digest = Sha256::digest(include_bytes!("../../../tests/ssh/requirements.txt"));
            let short: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            let home = PathBuf::from(std::env::var_os("HOME").unwrap());
            home.join(".cache/sps/tools").join(format!("ssh-{short}"))
        },
        PathBuf::from,
    );
    folder.join("bin/python3")
}

/// Without this exchange no OpenSSH before 9.9 and no PuTTY before 0.83 would come in; those that know the hybrid one are given that first.
const KNOWN: &str = "does not provide protection against post-quantum attacks";

/// What it says, without the letters for colours.
async fn judged(port: u16) -> String {
    let output = Command::new(program())
        .args([
            "-m",
            "ssh_audit.ssh_audit",
            "--no-colors",
            "--skip-rate-test",
            "-p",
        ])
        .arg(port.to_string())
        .arg("127.0.0.1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(120), output)
        .await
        .expect("ssh-audit ends")
        .expect("run `cargo xtask setup`: it brings ssh-audit");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_offers_nothing_that_is_broken_or_weak() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host");
    common::keygen(&path, "rsa");
    let rsa = PrivateKey::from_openssh(std::fs::read_to_string(&path).unwrap()).unwrap();
    for host_key in [None, Some(rsa)] {
        let lab = Lab::start(|settings| settings.host_key = host_key).await;
        let said = judged(lab.address.port()).await;
        assert!(said.contains("(kex) mlkem768x25519-sha256"), "{said}");
        let is_word = |line: &&str| line.contains("[fail]") || line.contains("[warn]");
        for line in said.lines().filter(is_word) {
            assert!(
                line.starts_with("(kex) curve25519-sha256") && line.ends_with(KNOWN),
                "{line}\n{said}"
            );
        }
    }
}
