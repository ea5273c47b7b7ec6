//! `cargo xtask tidy`: everything that is checked without running the product.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::progress;
use crate::project::Project;
use crate::setup;
use crate::steps::{Outcome, Steps};

/// Checks formatting, lock files, lints, the rules of the house, licences and sources of dependencies.
///
/// Runs rustfmt (check only), cargo with locked dependencies, clippy with warnings as errors, the tests of tests/tidy and cargo-deny. `cargo fmt`
/// mends the formatting; everything else says what it wants.
#[derive(Debug, Args)]
pub(crate) struct Tidy {}

impl Tidy {
    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let mut steps = Steps::new();
        let result = run_steps(project, &mut steps);
        steps.print();
        result
    }
}

/// The checks as steps of a longer run.
pub(crate) fn run_steps(project: &Project, steps: &mut Steps) -> Result<()> {
    steps.run("formatting", || {
        check(
            cargo(project).args(["fmt", "--all", "--check"]),
            "run `cargo fmt --all`",
        )
    })?;
    steps.run("lock files", || lock_files(project))?;
    steps.run("lints", || {
        let mut clippy = cargo(project);
        clippy.args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]);
        check(&mut clippy, "mend what clippy names")
    })?;
    steps.run("rules of the house", || {
        let mut tests = cargo(project);
        tests.args(["test", "--locked", "--quiet", "--package", "sps-tidy"]);
        Ok(Outcome {
            passed: progress::tests("rules of the house", &mut tests)?,
        })
    })?;
    steps.run("dependencies", || {
        let mut deny = Command::new(setup::cargo_deny(project));
        deny.current_dir(project.root())
            .args(["--offline", "--locked", "check", "--hide-inclusion-graph"]);
        check(
            deny.args(["licenses", "bans", "sources"]),
            "see deny.toml; if cargo-deny is missing: `cargo xtask setup`",
        )
    })
}

/// Every workspace's lock file still fits its manifests: one outside the main workspace is easily forgotten.
fn lock_files(project: &Project) -> Result<Outcome> {
    for folder in [".", "tests/fuzz"] {
        let output = cargo(project)
            .current_dir(project.root().join(folder))
            .args(["metadata", "--format-version", "1", "--locked"])
            .output()
            .with_context(|| format!("ask cargo about {folder}"))?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{folder}/Cargo.lock does not fit the manifests; run `cargo update --workspace` in {folder}: {words}"
        );
    }
    Ok(Outcome::default())
}

/// Cargo in the checkout.
pub(crate) fn cargo(project: &Project) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(project.root());
    command
}

fn check(command: &mut Command, mend: &'static str) -> Result<Outcome> {
    progress::pass_through(command).context(mend)?;
    Ok(Outcome::default())
}
