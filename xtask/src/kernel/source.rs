//! The kernel's source: Debian's package, compared with what `kernel-config/kernel.lock` names.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use xshell::{Shell, cmd};

use super::Lockfile;
use crate::digest;

/// The source on this machine.
#[derive(Debug)]
pub(super) struct Source {
    /// The compressed tree.
    pub(super) tarball: PathBuf,
    /// Version of the Debian package.
    pub(super) version: String,
    /// SHA-256 of the compressed tree.
    pub(super) sha256: String,
    /// Output lines a build is expected to print; for the progress display only.
    pub(super) build_steps: usize,
}

/// `kernel.lock`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Locked {
    package: String,
    version: String,
    tarball: PathBuf,
    sha256: String,
    build_steps: usize,
}

/// Finds the installed source and compares it with the lock file.
pub(super) fn find(config: &Path, cache: &Path, lockfile: Lockfile) -> Result<Source> {
    let path = config.join("kernel.lock");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let locked: Locked = toml::from_str(&text).with_context(|| format!("understand {}", path.display()))?;
    let version = installed(&locked.package)?;
    if !locked.tarball.exists() {
        bail!(
            "package {} is installed but {} is missing: `apt-get install --reinstall {}`",
            locked.package,
            locked.tarball.display(),
            locked.package
        );
    }
    let sha256 = digest::file_remembered(&locked.tarball, &cache.join("source.sha256"))?;
    compare(&locked, &version, &sha256, lockfile)?;
    Ok(Source {
        tarball: locked.tarball,
        version,
        sha256,
        build_steps: locked.build_steps,
    })
}

fn installed(package: &str) -> Result<String> {
    let shell = Shell::new().context("open a shell")?;
    let format = "${db:Status-Abbrev}${Version}";
    let answer = cmd!(shell, "dpkg-query -W -f {format} {package}")
        .quiet()
        .ignore_stderr()
        .ignore_status()
        .read()
        .context("run dpkg-query: this build needs a Debian machine")?;
    match answer.strip_prefix("ii ") {
        Some(version) => Ok(version.trim().to_owned()),
        None => {
            bail!("the Debian package {package} (the kernel's source) is missing: run `cargo xtask setup`")
        }
    }
}

fn compare(locked: &Locked, version: &str, sha256: &str, lockfile: Lockfile) -> Result<()> {
    if version == locked.version && sha256 == locked.sha256 {
        return Ok(());
    }
    let difference = if version == locked.version {
        format!(
            "{} has SHA-256 {sha256}, kernel.lock names {}",
            locked.tarball.display(),
            locked.sha256
        )
    } else {
        format!(
            "{} is installed as {version}, kernel.lock names {}",
            locked.package, locked.version
        )
    };
    if lockfile == Lockfile::Enforce {
        bail!(
            "{difference}; install that version, or change kernel-config/kernel.lock after testing this one"
        );
    }
    eprintln!("WARNING: {difference}");
    eprintln!("WARNING: building with the installed source: the result differs from the locked build.");
    eprintln!(
        "WARNING: to accept it, write version {version} and SHA-256 {sha256} into kernel-config/kernel.lock"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked() -> Locked {
        Locked {
            package: "linux-source".into(),
            version: "1-1".into(),
            tarball: "/x.tar.xz".into(),
            sha256: "aa".into(),
            build_steps: 1,
        }
    }

    #[test]
    fn a_different_source_is_built_with_a_warning_and_refused_when_locked() {
        compare(&locked(), "1-1", "aa", Lockfile::Enforce).expect("the locked source");
        compare(&locked(), "1-2", "bb", Lockfile::Warn).expect("only a warning");
        let error = compare(&locked(), "1-2", "bb", Lockfile::Enforce).expect_err("another version");
        assert!(
            error
                .to_string()
                .contains("installed as 1-2, kernel.lock names 1-1"),
            "{error}"
        );
        let error = compare(&locked(), "1-1", "bb", Lockfile::Enforce).expect_err("other bytes");
        assert!(error.to_string().contains("has SHA-256 bb"), "{error}");
    }

    #[test]
    fn a_missing_package_is_named_with_the_mend() {
        let error = installed("no-such-package-of-ours").expect_err("not installed");
        assert!(error.to_string().contains("no-such-package-of-ours"), "{error}");
        assert!(error.to_string().contains("cargo xtask setup"), "{error}");
    }
}
