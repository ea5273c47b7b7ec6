//! Two builds of one tree are identical: builds copies of the checkout elsewhere and compares the firmware.
//!
//! Invariant: a copy holds what git knows (tracked files as they stand now, and new files that are not ignored),
//! nothing of `target/` or `out/`. Only the kernel comes from the shared cache: its own double build is `build-kernel --verify-reproducible`.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::cache::Lock;
use crate::digest;
use crate::progress;
use crate::project::Project;

/// Builds the firmware of the checkout and returns the ISO.
pub(crate) fn build(project: &Project) -> Result<PathBuf> {
    run(&mut build_iso(project.root())?, project.root())
}

/// This program on the tree at `root`.
fn build_iso(root: &Path) -> Result<Command> {
    let mut command = Command::new(env::current_exe().context("find this program")?);
    command
        .current_dir(root)
        .env("CARGO_MANIFEST_DIR", root.join("xtask"))
        .arg("build-iso");
    Ok(command)
}

fn run(command: &mut Command, root: &Path) -> Result<PathBuf> {
    progress::pass_through(command).context("build the firmware")?;
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

/// Copies the tree to `to` and builds it with a cache of its own, in which only the kernel is not new.
fn build_copy(project: &Project, to: &Path) -> Result<PathBuf> {
    let tree = to.join("tree");
    copy_tree(project.root(), &tree)?;
    let cache = to.join("cache");
    fs::create_dir_all(&cache).with_context(|| format!("create {}", cache.display()))?;
    let kernels = project.cache().join("kernel");
    symlink(&kernels, cache.join("kernel")).with_context(|| format!("link to {}", kernels.display()))?;
    let mut command = build_iso(&tree)?;
    // A copy has no history to take the date from.
    command
        .env("SPS_CACHE", &cache)
        .env("SOURCE_DATE_EPOCH", commit_date(project)?);
    progress::run("reproducible firmware: a copy", &mut command, None)?;
    newest_iso(&tree.join("out"))
}

fn commit_date(project: &Project) -> Result<String> {
    if let Ok(date) = env::var("SOURCE_DATE_EPOCH") {
        return Ok(date);
    }
    let shell = Shell::new().context("open a shell")?;
    let root = project.root();
    cmd!(shell, "git -C {root} log -1 --format=%ct")
        .quiet()
        .read()
        .context("ask git for the date of the commit")
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
