//! The appliance binary `sps`: static, position independent, the same bytes from any folder.
//!
//! Invariants: only flags named here reach the compiler, whatever the caller's environment holds; nothing is
//! handed out that is not a static position-independent executable.

mod elf;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::progress::{self, Step};
use crate::project::Project;

/// The only target the appliance runs on. `crt-static` links libc in.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// 1 January 2026, for C dependencies that print a date.
const SOURCE_DATE_EPOCH: &str = "1767225600";

/// Variables of the caller that would change the bytes.
const UNWANTED: [&str; 8] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INCREMENTAL",
    "CFLAGS",
    "CXXFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
];

/// The same, as prefixes.
const UNWANTED_PREFIXES: [&str; 3] = ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_"];

/// Set (to anything) while developing: the binary is compiled in a fraction of the time, larger and slower, and never the
/// one that is released.
const QUICK: &str = "SPS_QUICK";
/// What a quick build leaves out.
const QUICK_PROFILE: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_INCREMENTAL", "true"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "64"),
];

/// Builds the binary if anything changed and returns where it is.
pub(crate) fn ensure(project: &Project) -> Result<PathBuf> {
    build(project.root(), "sps")
}

/// Builds package `package` of the workspace at `root` the way the appliance is built.
pub(crate) fn build(root: &Path, package: &str) -> Result<PathBuf> {
    let quick = env::var_os(QUICK).is_some();
    let target = root.join(if quick { "target/quick" } else { "target/appliance" });
    let mut command = cargo(root, &target)?;
    if quick {
        eprintln!("{QUICK} is set: a build for trying things out, not for release");
        command.envs(QUICK_PROFILE);
    }
    command.args([
        "build",
        "--locked",
        "--release",
        "--target",
        TARGET,
        "--package",
        package,
    ]);
    let step = Step::quiet(format!("binary: build {package}"));
    progress::pass_through(&mut command).with_context(|| format!("build {package}"))?;
    step.done();
    let path = target.join(TARGET).join("release").join(package);
    let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    if let Err(error) = elf::require_static_pie(&bytes) {
        bail!(
            "{} cannot run as PID 1 without libraries: {error}",
            path.display()
        );
    }
    Ok(path)
}

fn cargo(root: &Path, target: &Path) -> Result<Command> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if UNWANTED.contains(&text.as_ref()) || UNWANTED_PREFIXES.iter().any(|start| text.starts_with(start))
        {
            command.env_remove(&name);
        }
    }
    let maps = path_maps(root)?;
    command.current_dir(root).env("CARGO_TARGET_DIR", target);
    command.env(
        "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
        rust_flags(&maps),
    );
    command.env("CFLAGS_x86_64_unknown_linux_gnu", c_flags(&maps));
    command
        .env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH)
        .env("LC_ALL", "C");
    Ok(command)
}

/// Folders of this machine and the names that stand for them in the binary. Later ones win where they nest.
fn path_maps(root: &Path) -> Result<Vec<(PathBuf, &'static str)>> {
    Ok(vec![
        (cargo_home()?, "/cargo"),
        (sysroot()?, "/rust"),
        (root.to_path_buf(), "/sps"),
    ])
}

fn cargo_home() -> Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))
        .context("neither CARGO_HOME nor HOME is set: the paths of dependencies cannot be mapped")
}

fn sysroot() -> Result<PathBuf> {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .context("start rustc")?;
    let text = String::from_utf8(output.stdout).context("rustc's sysroot is not UTF-8")?;
    Ok(PathBuf::from(text.trim()))
}

fn rust_flags(maps: &[(PathBuf, &str)]) -> String {
    let mut flags =
        String::from("-C target-feature=+crt-static -C relocation-model=pic -C link-arg=-Wl,--build-id=none");
    for (from, to) in maps {
        flags.push_str(&format!(" --remap-path-prefix={}={to}", from.display()));
    }
    flags
}

fn c_flags(maps: &[(PathBuf, &str)]) -> String {
    let flags: Vec<_> = maps
        .iter()
        .map(|(from, to)| format!("-ffile-prefix-map={}={to}", from.display()))
        .collect();
    flags.join(" ")
}
