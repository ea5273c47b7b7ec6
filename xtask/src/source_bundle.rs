//! `cargo xtask sources`: the sources that the licences of shipped parts owe to whoever receives the firmware.
//!
//! Invariants: the archive holds exactly the versions of the parts on this machine; the same versions give the
//! same bytes; the machine's own apt state is not touched.

mod archive;
mod debian;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use xshell::{Shell, cmd};

use crate::cache::Lock;
use crate::digest;
use crate::kernel::{self, Lockfile};
use crate::progress::Step;
use crate::project::Project;
use crate::shipped::{self, Owed};

/// Bundles the sources of the GPL and LGPL parts of the firmware into out/sps-<version>-sources.tar.zst.
///
/// Inside: Debian's kernel source, the Debian source packages of the boot loader and the C library in the versions
/// this machine builds with, and this project, which configures and builds them and can be linked anew with another C
/// library. The packages are fetched from the mirror the machine's own package sources name; dpkg-dev is needed.
#[derive(Debug, Args)]
pub(crate) struct Sources {
    /// Where to write the archive [default: out/sps-<version>-sources.tar.zst]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Sources {
    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let name = format!("sps-{}-sources", env!("CARGO_PKG_VERSION"));
        let output = self
            .output
            .unwrap_or_else(|| project.out().join(format!("{name}.tar.zst")));
        let lock = Lock::take(&project.cache().join("sources"))?;
        let scratch = lock.scratch("fetch")?;
        let owed = owed()?;
        let mut entries = recipe(project)?;
        for file in debian::fetch(&owed, scratch.path())? {
            entries.push((format!("debian/{}", file_name(&file)?), file));
        }
        let step = Step::start("sources: write the archive");
        archive::write(&name, entries, &output)?;
        step.done();
        println!("sources  {}", output.display());
        println!("sha256   {}", digest::file(&output)?);
        Ok(())
    }
}

/// Source packages to fetch, each once: name and version.
fn owed() -> Result<Vec<(String, String)>> {
    let installed = shipped::installed()?;
    let wanted = installed
        .into_iter()
        .filter(|(shipped, _)| shipped.owed == Owed::SourcePackage);
    let mut packages: Vec<_> = wanted
        .map(|(_, found)| (found.source, found.source_version))
        .collect();
    packages.sort();
    packages.dedup();
    Ok(packages)
}

/// The kernel's source, and every file of this project: kernel configuration, recipes, and the code that is linked
/// with the C library.
fn recipe(project: &Project) -> Result<Vec<(String, PathBuf)>> {
    let tarball = kernel::source_tarball(project, Lockfile::Warn)?;
    let mut entries = vec![(format!("kernel/{}", file_name(&tarball)?), tarball)];
    let shell = Shell::new().context("open a shell")?;
    shell.change_dir(project.root());
    let tracked = cmd!(shell, "git ls-files -z").quiet().read()?;
    for name in tracked.split_terminator('\0') {
        entries.push((format!("project/{name}"), project.root().join(name)));
    }
    Ok(entries)
}

fn file_name(path: &Path) -> Result<String> {
    let name = path
        .file_name()
        .with_context(|| format!("{} has no file name", path.display()))?;
    Ok(name.to_string_lossy().into_owned())
}
