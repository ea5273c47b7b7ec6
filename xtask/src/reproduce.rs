//! Two builds of one tree are identical: builds copies of the checkout elsewhere and compares the firmware.
//!
//! Invariant: a copy holds what git knows (tracked files as they stand now, and new files that are not ignored),
//! nothing of `target/` or `out/`. Only the kernel comes from the shared cache: its own double build is `build-kernel --verify-reproducible`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::cache::Lock;
use crate::digest;
use crate::progress;
use crate::project::Project;

/// Builds the firmware of the tree at `root` and returns the newest ISO.
pub(crate) fn build(root: &Path) -> Result<PathBuf> {
    let own = env::current_exe().context("find this program")?;
    let mut command = Command::new(own);
    command
        .current_dir(root)
        .env("CARGO_MANIFEST_DIR", root.join("xtask"))
        .arg("build-iso");
    progress::pass_through(&mut command).context("build the firmware")?;
    newest_iso(&root.join("out"))
}

/// Builds one copy at another path and compares it with `iso`.
pub(crate) fn verify_copy(project: &Project, iso: &Path) -> Result<()> {
    let lock = Lock::take(&project.cache().join("reproduce"))?;
    let scratch = lock.scratch("copy-with-a-longer-name-than-the-checkout")?;
    let copied = build_copy(project, scratch.path())?;
    compare(iso, &copied)
}

/// Builds two copies at two paths and compares them.
pub(crate) fn verify_copies(project: &Project) -> Result<()> {
    let lock = Lock::take(&project.cache().join("reproduce"))?;
    let (first, second) = (lock.scratch("a")?, lock.scratch("another-place")?);
    let one = build_copy(project, first.path())?;
    let two = build_copy(project, &second.path().join("deeper"))?;
    compare(&one, &two)
}

fn build_copy(project: &Project, to: &Path) -> Result<PathBuf> {
    copy_tree(project.root(), to)?;
    build(to)
}

/// Copies what git knows, with new modification times.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let shell = Shell::new().context("open a shell")?;
    shell.change_dir(from);
    let list = cmd!(shell, "git ls-files -z --cached --others --exclude-standard")
        .quiet()
        .read()
        .context("ask git which files belong to the tree")?;
    for name in list.split('\0').filter(|name| !name.is_empty()) {
        let (source, target) = (from.join(name), to.join(name));
        if !source.exists() {
            continue;
        }
        let parent = target.parent().context("a file of the tree has no folder")?;
        fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
        fs::copy(&source, &target).with_context(|| format!("copy to {}", target.display()))?;
    }
    Ok(())
}

fn compare(one: &Path, two: &Path) -> Result<()> {
    let (first, second) = (digest::file(one)?, digest::file(two)?);
    if first != second {
        bail!(
            "not reproducible: {} is {first}, {} is {second}",
            one.display(),
            two.display()
        );
    }
    println!(
        "reproducible: {} and {} are {first}",
        one.display(),
        two.display()
    );
    Ok(())
}

fn newest_iso(out: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(out).with_context(|| format!("list {}", out.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let isos = paths.filter(|path| path.extension().is_some_and(|extension| extension == "iso"));
    let newest = isos.max_by_key(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok());
    newest.with_context(|| format!("the build left no ISO in {}", out.display()))
}
