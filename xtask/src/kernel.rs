//! The appliance kernel: Debian's source, the fragments of `kernel-config/`, and a cache by content.
//!
//! Invariants: a kernel is only handed out when every option asked for stands in its final `.config`; a
//! cache entry is whole or absent; the same inputs give the same bytes in any folder at any time.

mod build;
mod check;
mod fragments;
mod kconfig;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::cache::Lock;
use crate::digest::{self, Key};
use crate::project::Project;

/// Which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Variant {
    /// What the appliance runs.
    Release,
    /// The same with fault-injection targets (`test-faults.config`); never shipped.
    Test,
}

/// What to do when the installed source is not the one `kernel.lock` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lockfile {
    /// Build it, with a warning.
    Warn,
    /// Refuse.
    Enforce,
}

/// A built kernel in the cache.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// The bootable image.
    pub(crate) bzimage: PathBuf,
    /// Its complete configuration.
    pub(crate) config: PathBuf,
    /// What `uname -r` will say, for example `6.12.117-sps`.
    pub(crate) version: String,
    /// Version of the Debian source package.
    pub(crate) source_version: String,
}

/// What a cache entry says about itself, in `kernel.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    version: String,
    source_version: String,
    bzimage_sha256: String,
    /// Output lines of the build: the next build's progress is a share of them.
    steps: usize,
}

/// Everything a build depends on.
#[derive(Debug)]
struct Inputs {
    source: source::Source,
    fragments: fragments::Fragments,
    toolchain: String,
}

impl Inputs {
    fn collect(project: &Project, variant: Variant, lockfile: Lockfile) -> Result<Self> {
        let folder = config_folder(project);
        Ok(Self {
            source: source::find(&folder, &kernels(project), lockfile)?,
            fragments: fragments::read(&folder, variant)?,
            toolchain: build::toolchain()?,
        })
    }

    fn key(&self) -> String {
        let mut key = Key::new("kernel");
        key.add("source version", &self.source.version)
            .add("source", &self.source.sha256)
            .add("fragments", self.fragments.merged())
            .add("toolchain", &self.toolchain)
            .add("recipe", build::recipe_text());
        key.finish()
    }
}

/// The kernel for this tree: from the cache, or built now (9 to 25 minutes on two processors).
pub(crate) fn ensure(project: &Project, variant: Variant) -> Result<Kernel> {
    ensure_with(project, variant, Lockfile::Warn)
}

/// [`ensure`] with a say in how strict the lock file is.
pub(crate) fn ensure_with(project: &Project, variant: Variant, lockfile: Lockfile) -> Result<Kernel> {
    let inputs = Inputs::collect(project, variant, lockfile)?;
    let folder = kernels(project);
    let entry = folder.join(inputs.key());
    if let Some(kernel) = cached(&entry) {
        return Ok(kernel);
    }
    let lock = Lock::take(&folder)?;
    // Another build may have finished it while this one waited.
    if let Some(kernel) = cached(&entry) {
        return Ok(kernel);
    }
    build::into_cache(&inputs, &lock, &entry)?;
    cached(&entry).with_context(|| format!("the kernel just built is damaged: {}", entry.display()))
}

/// Resolves the configuration and checks it, without building (about half a minute).
pub(crate) fn check_config(project: &Project, variant: Variant, lockfile: Lockfile) -> Result<()> {
    let inputs = Inputs::collect(project, variant, lockfile)?;
    let lock = Lock::take(&kernels(project))?;
    build::check_config(&inputs, &lock)
}

/// Builds the kernel once more in another folder and compares it with the one of the cache, which is built first
/// if it is not there.
pub(crate) fn verify_reproducible(project: &Project, variant: Variant, lockfile: Lockfile) -> Result<()> {
    let first = ensure_with(project, variant, lockfile)?;
    let inputs = Inputs::collect(project, variant, lockfile)?;
    let lock = Lock::take(&kernels(project))?;
    build::verify_reproducible(&inputs, &lock, &first)
}

/// Debian's compressed source tree on this machine.
pub(crate) fn source_tarball(project: &Project, lockfile: Lockfile) -> Result<PathBuf> {
    Ok(source::find(&config_folder(project), &kernels(project), lockfile)?.tarball)
}

/// The entry, if it is there and its image is what was built.
fn cached(entry: &Path) -> Option<Kernel> {
    let record: Record = serde_json::from_slice(&fs::read(entry.join("kernel.json")).ok()?).ok()?;
    let bzimage = entry.join("bzImage");
    if digest::file(&bzimage).ok()? != record.bzimage_sha256 {
        eprintln!("{} is damaged: building it again", bzimage.display());
        return None;
    }
    let config = entry.join("config");
    config.exists().then_some(Kernel {
        bzimage,
        config,
        version: record.version,
        source_version: record.source_version,
    })
}

fn kernels(project: &Project) -> PathBuf {
    project.cache().join("kernel")
}

fn config_folder(project: &Project) -> PathBuf {
    project.root().join("kernel-config")
}
