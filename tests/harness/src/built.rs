//! Where the firmware that was built lies.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

/// The ISO to boot: the file `SPS_ISO` names, else the newest `*.iso` in `out`.
///
/// # Errors
/// When there is none; the message says how to make one.
pub fn built_iso(out: &Path) -> Result<PathBuf> {
    if let Some(named) = env::var_os("SPS_ISO") {
        let named = PathBuf::from(named);
        return fs::canonicalize(&named).with_context(|| format!("SPS_ISO names {}", named.display()));
    }
    newest_iso(out)
}

fn newest_iso(out: &Path) -> Result<PathBuf> {
    let images = fs::read_dir(out)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let images = images.filter(|path| path.extension().is_some_and(|kind| kind == "iso"));
    let age = |path: &PathBuf| {
        fs::metadata(path)
            .and_then(|about| about.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH)
    };
    images.max_by_key(age).with_context(|| {
        format!(
            "no firmware in {}: run `make iso`, or name a file in SPS_ISO",
            out.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_firmware_says_how_to_make_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("firmware.iso.sha256"), "").unwrap();
        let error = newest_iso(folder.path()).unwrap_err().to_string();
        assert!(error.contains("make iso"), "{error}");
        assert!(newest_iso(&folder.path().join("missing")).is_err());
        fs::write(folder.path().join("firmware.iso"), "").unwrap();
        assert!(newest_iso(folder.path()).unwrap().ends_with("firmware.iso"));
    }
}
