//! `cargo xtask fuzz`: runs the fuzz targets of tests/fuzz for a limited time.
//!
//! Works with the stable compiler: the coverage instrumentation that libFuzzer needs is asked for by flags of the
//! code generator, the same as cargo-fuzz uses; only the address sanitizer, which safe code does without, is not
//! there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde::Deserialize;

use crate::progress;
use crate::project::Project;
use crate::tidy;

/// Edge coverage in inline counters with a table of program counters, as libFuzzer reads them.
const INSTRUMENTATION: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cdebug-assertions=yes -Coverflow-checks=yes";

/// Megabytes a target may use: everything it reads is bounded.
const MEMORY_LIMIT: u32 = 1024;

/// Seconds one input may take.
const INPUT_LIMIT: u32 = 10;

/// Runs the fuzz targets of tests/fuzz, each for a limited time
///
/// What a target learns stays in tests/fuzz/corpus, an input that breaks it in tests/fuzz/artifacts; both are
/// outside version control. To see a failure again, name the input: `cargo xtask fuzz TARGET --input FILE`.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// Which target [default: every one]
    target: Option<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    seconds: u32,
    /// Run this input only
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<PathBuf>,
}

/// The part of `cargo metadata` that is read.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Fuzz {
    /// A short run of every target.
    pub(crate) fn short() -> Self {
        Self {
            target: None,
            seconds: 8,
            input: None,
        }
    }

    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let folder = project.root().join("tests/fuzz");
        let targets = targets(project, &folder)?;
        let wanted: Vec<String> = match &self.target {
            None => targets,
            Some(name) if targets.contains(name) => vec![name.clone()],
            Some(name) => bail!("no fuzz target {name}; there are: {}", targets.join(", ")),
        };
        build(project, &folder)?;
        self.run_all(&folder, &wanted)
    }

    /// Runs the targets, as many at a time as there are processors.
    fn run_all(&self, folder: &Path, wanted: &[String]) -> Result<()> {
        let next = AtomicUsize::new(0);
        let work = || -> Result<()> {
            while let Some(target) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.run_target(folder, target)?;
            }
            Ok(())
        };
        let processors = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
            let mut ended = threads.into_iter().map(|thread| {
                let ended = thread.join();
                ended.unwrap_or_else(|_| Err(anyhow!("a thread of the fuzzing panicked")))
            });
            ended.try_for_each(|ended| ended)
        })
    }

    fn run_target(&self, folder: &Path, target: &str) -> Result<()> {
        let (corpus, artifacts) = (
            folder.join("corpus").join(target),
            folder.join("artifacts").join(target),
        );
        for path in [&corpus, &artifacts] {
            fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
        }
        let mut command = Command::new(
            folder
                .join("target")
                .join(crate::binary::TARGET)
                .join("release")
                .join(target),
        );
        command
            .current_dir(folder)
            .arg(format!("-artifact_prefix={}/", artifacts.display()));
        command
            .arg(format!("-rss_limit_mb={MEMORY_LIMIT}"))
            .arg(format!("-timeout={INPUT_LIMIT}"));
        match &self.input {
            Some(input) => command.arg(input),
            None => command
                .arg(format!("-max_total_time={}", self.seconds))
                .arg(&corpus),
        };
        let seeds = folder.join("seeds").join(target);
        if self.input.is_none() && seeds.exists() {
            command.arg(seeds);
        }
        let mend = || {
            format!(
                "the breaking input is in {}; see it again with --input",
                artifacts.display()
            )
        };
        progress::run(&format!("fuzz: {target}"), &mut command, None).with_context(mend)?;
        Ok(())
    }
}

fn targets(project: &Project, folder: &Path) -> Result<Vec<String>> {
    let mut command = tidy::cargo(project);
    command
        .current_dir(folder)
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"]);
    let output = command
        .output()
        .with_context(|| format!("ask cargo about {}", folder.display()))?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout).with_context(|| {
        format!(
            "{} is no crate: {}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr)
        )
    })?;
    let targets = metadata.packages.into_iter().flat_map(|package| package.targets);
    Ok(targets
        .filter(|target| target.kind.iter().any(|kind| kind == "bin"))
        .map(|target| target.name)
        .collect())
}

fn build(project: &Project, folder: &Path) -> Result<()> {
    let mut command = tidy::cargo(project);
    // With a target named, the flags do not reach build scripts and macros, which have no fuzz engine to call.
    command
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"));
    command
        .env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", INSTRUMENTATION)
        .env_remove("RUSTFLAGS");
    command.args([
        "build",
        "--release",
        "--locked",
        "--target",
        crate::binary::TARGET,
    ]);
    progress::pass_through(&mut command).context("build the fuzz targets")
}
