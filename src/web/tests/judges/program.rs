//! Running one of the programs.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::process::Command;

/// Longest run of one: it takes a fifth of this on an idle machine.
const LONGEST: Duration = Duration::from_secs(240);

/// Runs a Python module of theirs in a folder; its output and whether it was content.
pub(crate) async fn judge(module: &str, arguments: &[&str], folder: &Path) -> (bool, String) {
    let output = Command::new(home().join("bin/python"))
        .args(["-I", "-m", module])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LONGEST, output)
        .await
        .unwrap_or_else(|_| panic!("{module} did not end within {LONGEST:?}"))
        .unwrap_or_else(|error| panic!("{module} (run `cargo xtask setup`): {error}"));
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Where they are: where `cargo xtask test` says, else where `cargo xtask setup` puts them, by what is named today.
fn home() -> PathBuf {
    if let Some(named) = std::env::var_os("SPS_WEB_JUDGES") {
        return PathBuf::from(named);
    }
    let digest = Sha256::digest(include_bytes!("../../../../tests/web/requirements.txt"));
    let short: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    home.join(".cache/sps/tools").join(format!("web-{short}"))
}
