//! The crates linked into `sps`, as cargo resolves them for the appliance's target.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use xshell::{Shell, cmd};

use super::Component;
use crate::binary::TARGET;
use crate::project::Project;

/// The part of `Cargo.lock` that is read.
#[derive(Debug, Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// Every crate of the binary's normal dependency graph.
pub(super) fn linked(project: &Project) -> Result<Vec<Component>> {
    let shell = Shell::new().context("open a shell")?;
    shell.change_dir(project.root());
    let (edges, format) = ("normal,no-proc-macro", "{p}|{l}");
    let tree = cmd!(
        shell,
        "cargo tree --quiet --locked --package sps --target {TARGET} --edges {edges} --prefix none --format {format}"
    )
    .quiet()
    .read()
    .context("ask cargo for the dependencies of sps")?;
    let path = project.root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let lock: Lock = toml::from_str(&lock).with_context(|| format!("understand {}", path.display()))?;
    components(&tree, &lock)
}

/// The standard library, which is in every Rust binary but in no lock file.
pub(super) fn standard_library() -> Result<Component> {
    let shell = Shell::new().context("open a shell")?;
    let text = cmd!(shell, "rustc --version")
        .quiet()
        .read()
        .context("ask rustc for its version")?;
    let version = text
        .split_whitespace()
        .nth(1)
        .context("rustc --version names no version")?
        .to_owned();
    Ok(Component {
        kind: "library",
        name: "rust-std".to_owned(),
        description: Some("Rust standard library".to_owned()),
        licence: Some("MIT OR Apache-2.0".to_owned()),
        purl: format!("pkg:generic/rust-std@{version}"),
        version,
        sha256: None,
    })
}

fn components(tree: &str, lock: &Lock) -> Result<Vec<Component>> {
    let packages = lock.package.iter();
    let checksums: BTreeMap<(&str, &str), &Locked> = packages
        .map(|package| ((package.name.as_str(), package.version.as_str()), package))
        .collect();
    let lines: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let mut components = BTreeSet::new();
    for line in lines.into_iter().filter(|line| !line.is_empty()) {
        let (name, version, licence) = parse(line)?;
        let Some(locked) = checksums.get(&(name, version)) else {
            bail!("{name} {version} is linked but not in Cargo.lock");
        };
        components.insert(Component {
            kind: if name == "sps" { "application" } else { "library" },
            name: name.to_owned(),
            version: version.to_owned(),
            description: None,
            licence: Some(licence.to_owned()).filter(|text| !text.is_empty()),
            purl: purl(locked),
            sha256: locked.checksum.clone(),
        });
    }
    Ok(components.into_iter().collect())
}

/// `name v1.2.3 (/path)|licence`; the licence may be followed by the mark of a repeated line.
fn parse(line: &str) -> Result<(&str, &str, &str)> {
    let shape = || format!("cargo tree printed `{line}`");
    let (package, licence) = line.split_once('|').with_context(shape)?;
    let mut words = package.split_whitespace();
    let name = words.next().with_context(shape)?;
    let version = words
        .next()
        .and_then(|word| word.strip_prefix('v'))
        .with_context(shape)?;
    Ok((name, version, licence.trim_end_matches(" (*)")))
}

/// A crate of the registry has a checksum; the rooms of this workspace have none.
fn purl(locked: &Locked) -> String {
    let kind = if locked.checksum.is_some() {
        "cargo"
    } else {
        "generic"
    };
    format!(
        "pkg:{kind}/{}@{}",
        locked.name,
        locked.version.replace('+', "%2B")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n[[package]]\nname = \"sps\"\nversion = \"0.1.0\"\n[[package]]\nname = \"zstd-sys\"\nversion = \"2.0.1+zstd.1\"\nchecksum = \"ab\"\n";

    #[test]
    fn repeated_lines_count_once_and_carry_the_registrys_checksum() {
        let lock: Lock = toml::from_str(LOCK).expect("a lock file");
        let tree = "sps v0.1.0 (/x/src/sps)|Apache-2.0\nzstd-sys v2.0.1+zstd.1|MIT\n\nzstd-sys v2.0.1+zstd.1|MIT (*)\n";
        let found = components(tree, &lock).expect("all are locked");
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].kind, found[0].purl.as_str()),
            ("application", "pkg:generic/sps@0.1.0")
        );
        assert_eq!(found[1].purl, "pkg:cargo/zstd-sys@2.0.1%2Bzstd.1");
        assert_eq!(found[1].sha256.as_deref(), Some("ab"));
    }

    #[test]
    fn a_crate_outside_the_lock_file_is_an_error() {
        let lock: Lock = toml::from_str(LOCK).expect("a lock file");
        let error = components("other v1.0.0|MIT\n", &lock).expect_err("not locked");
        assert!(error.to_string().contains("other 1.0.0"), "{error}");
    }
}
