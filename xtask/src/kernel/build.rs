//! Unpacks, configures and compiles the kernel in a temporary folder of the cache.
//!
//! Invariants: the environment holds only what [`RECIPE`] names, so the bytes do not depend on who builds,
//! where or when; nothing appears under the entry's final name before the image is complete.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail};

use super::{Inputs, Kernel, Record, check, kconfig};
use crate::cache::{self, Lock, Scratch};
use crate::digest;
use crate::progress::{self, Step};

/// Fixed build identity: without it the kernel records user, host and time in `linux_banner`
/// (Documentation/kbuild/reproducible-builds.rst). The date is 1 January 2026.
const RECIPE: [(&str, &str); 7] = [
    ("KBUILD_BUILD_TIMESTAMP", "Thu Jan  1 00:00:00 UTC 2026"),
    ("KBUILD_BUILD_USER", "sps"),
    ("KBUILD_BUILD_HOST", "build"),
    ("KBUILD_BUILD_VERSION", "1"),
    ("SOURCE_DATE_EPOCH", "1767225600"),
    ("LC_ALL", "C"),
    ("ARCH", "x86_64"),
];

/// Raised when the steps below change in a way that changes the bytes.
const RECIPE_REVISION: u32 = 1;

/// Source tree and object files of one build, with some room.
const SPACE: &str = "3 GB";

/// What the programs need to be found; everything else of the caller's environment stays outside.
const PASSED_ON: [&str; 3] = ["PATH", "HOME", "TMPDIR"];

/// The recipe as it enters the cache key.
pub(super) fn recipe_text() -> String {
    let settings: Vec<String> = RECIPE
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{RECIPE_REVISION}\n{}", settings.join("\n"))
}

/// The first version line of compiler, assembler and linker.
pub(super) fn toolchain() -> Result<String> {
    let mut text = String::new();
    for (program, argument) in [("gcc", "--version"), ("as", "--version"), ("ld", "--version")] {
        let output = Command::new(program)
            .arg(argument)
            .env("LC_ALL", "C")
            .output()
            .with_context(|| format!("start {program}: run `cargo xtask setup`"))?;
        text.push_str(
            String::from_utf8_lossy(&output.stdout)
                .lines()
                .next()
                .unwrap_or_default(),
        );
        text.push('\n');
    }
    Ok(text)
}

/// Builds the kernel and publishes it as `entry`.
pub(super) fn into_cache(inputs: &Inputs, lock: &Lock, entry: &Path) -> Result<()> {
    let scratch = lock.scratch("build")?;
    let built = compile(inputs, &scratch)?;
    let result = lock.scratch("entry")?;
    copy(&built.bzimage, &result.path().join("bzImage"))?;
    copy(&built.tree.join(".config"), &result.path().join("config"))?;
    let record = Record {
        version: built.version,
        source_version: inputs.source.version.clone(),
        bzimage_sha256: digest::file(&built.bzimage)?,
        steps: built.steps,
    };
    let json = serde_json::to_vec_pretty(&record).context("write kernel.json")?;
    cache::write_file(&result.path().join("kernel.json"), &json)?;
    cache::publish(result.path(), entry)
}

/// Unpacks and resolves the configuration, and checks it.
pub(super) fn check_config(inputs: &Inputs, lock: &Lock) -> Result<()> {
    let scratch = lock.scratch("config")?;
    configure(inputs, &unpack(inputs, &scratch)?)?;
    println!(
        "kernel: all {} options asked for are in the final configuration",
        inputs.fragments.requests().count()
    );
    Ok(())
}

/// Builds again, in a folder of another name and length, and compares with the image of the cache.
pub(super) fn verify_reproducible(inputs: &Inputs, lock: &Lock, cached: &Kernel) -> Result<()> {
    let scratch = lock.scratch("a-second-folder-with-a-longer-name")?;
    let built = compile(inputs, &scratch)?;
    let (first, second) = (digest::file(&cached.bzimage)?, digest::file(&built.bzimage)?);
    println!("kernel: {} has SHA-256 {first}", cached.bzimage.display());
    println!("kernel: {} has SHA-256 {second}", built.bzimage.display());
    if first != second {
        bail!("the kernel is not reproducible: see the two images named above");
    }
    println!("kernel: two builds in different folders are identical");
    Ok(())
}

struct Built {
    tree: PathBuf,
    bzimage: PathBuf,
    version: String,
    steps: usize,
}

fn compile(inputs: &Inputs, scratch: &Scratch) -> Result<Built> {
    let tree = unpack(inputs, scratch)?;
    configure(inputs, &tree)?;
    let steps = progress::run(
        "kernel: compile",
        make(&tree).arg("bzImage"),
        Some(inputs.source.build_steps),
    )?;
    let release = make(&tree)
        .args(["-s", "kernelrelease"])
        .output()
        .context("start make")?;
    let version = String::from_utf8_lossy(&release.stdout).trim().to_owned();
    if version.is_empty() {
        bail!("make kernelrelease gave no version in {}", tree.display());
    }
    Ok(Built {
        bzimage: tree.join("arch/x86/boot/bzImage"),
        tree,
        version,
        steps,
    })
}

fn unpack(inputs: &Inputs, scratch: &Scratch) -> Result<PathBuf> {
    let tree = scratch.path().join("linux");
    fs::create_dir(&tree).with_context(|| format!("create {}", tree.display()))?;
    let name = format!("kernel: unpack {}", inputs.source.tarball.display());
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--xz", "--strip-components=1", "--file"]);
    tar.arg(&inputs.source.tarball).arg("--directory").arg(&tree);
    let space = || {
        format!(
            "a kernel build needs {SPACE} of disk in {}; SPS_CACHE moves it",
            scratch.path().display()
        )
    };
    progress::run(&name, &mut tar, None).with_context(space)?;
    Ok(tree)
}

/// Resolves the merged fragments and fails on the first look when anything asked for is not granted.
fn configure(inputs: &Inputs, tree: &Path) -> Result<()> {
    let merged = tree.join("sps-merged.config");
    fs::write(&merged, inputs.fragments.merged()).with_context(|| format!("write {}", merged.display()))?;
    let mut command = make(tree);
    command
        .env("KCONFIG_ALLCONFIG", &merged)
        .args(["-s", "allnoconfig"]);
    progress::run("kernel: resolve the configuration", &mut command, None)?;
    let step = Step::start("kernel: check the configuration");
    let path = tree.join(".config");
    let config = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let refusals = check::refusals(&inputs.fragments, &config, &kconfig::Options::read(tree)?);
    if !refusals.is_empty() {
        let lines: Vec<String> = refusals.iter().map(|refusal| format!("  {refusal}")).collect();
        bail!(
            "the kernel does not grant {} of the options asked for:\n{}",
            lines.len(),
            lines.join("\n")
        );
    }
    step.done();
    Ok(())
}

fn make(tree: &Path) -> Command {
    let mut command = Command::new("make");
    command.env_clear().current_dir(tree).envs(RECIPE);
    command.envs(
        PASSED_ON
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?))),
    );
    let map = format!("-ffile-prefix-map={}=.", tree.display());
    command.env("KCFLAGS", &map).env("KAFLAGS", &map);
    command.arg(format!(
        "-j{}",
        thread::available_parallelism().map_or(1, usize::from)
    ));
    command
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
