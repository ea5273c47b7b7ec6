//! How long it takes to make an image when everything that goes into it is there.
//!
//! The comparison makes an ISO of the same files the usual way: `cpio` and `gzip` for the root file system,
//! `grub-mkrescue` (which calls xorriso) for the rest. It signs nothing and lists nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Figure;
use crate::binary;
use crate::build_iso;
use crate::cache::Lock;
use crate::kernel::{self, Variant};
use crate::progress;
use crate::project::Project;
use crate::reproduce;

/// Runs of each; the median counts.
const ROUNDS: usize = 5;
/// Seconds of a build in which nothing changed.
const WARM_LIMIT: f64 = 2.0;
/// Seconds of the assembly alone.
const ASSEMBLY_LIMIT: f64 = 1.0;

/// A menu for the comparison that does what ours does.
const MENU: &str = "linux /boot/vmlinuz\ninitrd /boot/microcode /boot/initrd.gz\nboot\n";

/// Warm build and assembly, each against the comparison.
pub(super) fn measure(project: &Project) -> Result<Vec<Figure>> {
    reproduce::build(project)?;
    let lock = Lock::take(&project.cache().join("bench"))?;
    let scratch = lock.scratch("image")?;
    let out = scratch.path().join("out");
    let tree = scratch.path().join("tree");
    lay_out(project, &tree)?;
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        times[0].push(timed(|| reproduce::build(project).map(drop))?);
        times[1].push(build_iso::development(project, &out)?.1);
        let packing = timed(|| pack(&tree))?;
        let mastering = timed(|| master(&tree))?;
        times[2].push(packing + mastering);
        times[3].push(mastering);
    }
    let [warm, assembly, usual_warm, usual_assembly] = times.map(median);
    Ok(vec![
        Figure::new("build-iso, nothing changed", warm, "s")
            .against(usual_warm)
            .at_most(WARM_LIMIT),
        Figure::new("assembly alone", assembly, "s")
            .against(usual_assembly)
            .at_most(ASSEMBLY_LIMIT),
    ])
}

/// The files of our image, where `grub-mkrescue` and `cpio` want them.
fn lay_out(project: &Project, tree: &Path) -> Result<()> {
    let (root, boot) = (tree.join("root"), tree.join("iso/boot"));
    for folder in [&root, &boot.join("grub")] {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let microcode = project.cache().join("image");
    copy(
        &kernel::ensure(project, Variant::Release)?.bzimage,
        &boot.join("vmlinuz"),
    )?;
    copy(&newest(&microcode, "microcode-")?, &boot.join("microcode"))?;
    copy(&binary::ensure(project)?, &root.join("sps"))?;
    let menu = boot.join("grub/grub.cfg");
    fs::write(&menu, MENU).with_context(|| format!("write {}", menu.display()))
}

fn pack(tree: &Path) -> Result<()> {
    let script =
        "find . | LC_ALL=C sort | cpio --create --format=newc --quiet | gzip -9 > ../iso/boot/initrd.gz";
    let mut command = Command::new("sh");
    quietly(command.args(["-c", script]).current_dir(tree.join("root")))
}

fn master(tree: &Path) -> Result<()> {
    let mut command = Command::new("grub-mkrescue");
    quietly(
        command
            .arg("--output")
            .arg(tree.join("comparison.iso"))
            .arg(tree.join("iso")),
    )
}

fn quietly(command: &mut Command) -> Result<()> {
    progress::feed(command.stderr(Stdio::null()), b"")
}

fn newest(folder: &Path, start: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let named = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(start))
    };
    let newest = paths
        .filter(named)
        .max_by_key(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok());
    newest.with_context(|| format!("no {start}* in {}: build the firmware first", folder.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}
