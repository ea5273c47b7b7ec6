//! `cargo xtask tidy`: everything that is checked without running the product.

use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::progress;
use crate::project::Project;
use crate::setup;
use crate::steps::{Outcome, Steps};

/// Checks formatting, lints, the rules of the house, licences and sources of dependencies.
///
/// Runs rustfmt (check only), clippy with warnings as errors, the tests of tests/tidy and cargo-deny. `cargo fmt`
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
