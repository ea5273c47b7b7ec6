//! `cargo xtask test`: every test, with the set-up it needs.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use clap::Args;

use crate::fuzz::Fuzz;
use crate::kernel::{self, Lockfile, Variant};
use crate::progress;
use crate::project::Project;
use crate::reproduce;
use crate::setup::{self, Purpose};
use crate::steps::{Outcome, Steps};
use crate::tidy;

/// Sets the machine up, builds the firmware and runs every test; a table of times at the end.
///
/// The first run on a machine builds the kernel (10 to 25 minutes on two processors); later runs take it from the
/// cache. Guests run under software emulation. What a failed guest said is kept in target/guest-logs.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Also what takes hours: every power cut with many disks really booted, a hundred kills, a kernel that crashes on
    /// request, a machine of 512 MiB with 2,000 sessions, the firmware built from two copies, the kernel built twice and compared
    #[arg(long)]
    long: bool,
    /// Leave out formatting, lints, rules and licences
    #[arg(long)]
    no_tidy: bool,
    /// Leave the installation of missing packages out
    #[arg(long)]
    no_setup: bool,
}

impl Test {
    /// What continuous integration runs.
    pub(crate) fn everything() -> Self {
        Self {
            long: false,
            no_tidy: false,
            no_setup: false,
        }
    }

    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let mut steps = Steps::new();
        let result = self.run_steps(project, &mut steps);
        steps.print();
        result
    }

    fn run_steps(&self, project: &Project, steps: &mut Steps) -> Result<()> {
        if !self.no_setup {
            steps.run("set-up", || done(setup::ensure(project, Purpose::All)))?;
        }
        if !self.no_tidy {
            tidy::run_steps(project, steps)?;
        }
        steps.run("kernel", || done(kernel::ensure(project, Variant::Release)))?;
        let iso = build(project, steps)?;
        steps.run("tests", || {
            Ok(Outcome {
                passed: cargo_test(project, &iso)?,
            })
        })?;
        if self.long {
            Self::long_steps(project, &iso, steps)
        } else {
            Ok(())
        }
    }

    fn long_steps(project: &Project, iso: &Path, steps: &mut Steps) -> Result<()> {
        steps.run("kernel faults", || {
            Ok(Outcome {
                passed: kernel_faults(project, iso)?,
            })
        })?;
        steps.run("flood of a small machine", || {
            Ok(Outcome {
                passed: flood(project, iso)?,
            })
        })?;
        steps.run("power cuts", || {
            Ok(Outcome {
                passed: power_cuts(project, iso)?,
            })
        })?;
        steps.run("power cuts of the data store", || {
            Ok(Outcome {
                passed: data_store_power_cuts(project)?,
            })
        })?;
        steps.run("two copied trees", || done(reproduce::verify_copies(project)))?;
        let twice = || {
            done(kernel::verify_reproducible(
                project,
                Variant::Release,
                Lockfile::Warn,
            ))
        };
        steps.run("reproducible kernel", twice)
    }
}

/// Builds everything and fuzzes; the firmware and its copy beside, since linking them leaves a processor idle for minutes.
fn build(project: &Project, steps: &mut Steps) -> Result<PathBuf> {
    thread::scope(|scope| {
        let firmware = scope.spawn(|| {
            let start = Instant::now();
            let iso = reproduce::build(project);
            let built = start.elapsed();
            let same = match &iso {
                Ok(iso) => reproduce::verify_copy(project, iso),
                Err(_) => Ok(()),
            };
            (iso, built, same, start.elapsed())
        });
        let mine = steps
            .run("build of the tests", || done(build_tests(project)))
            .and_then(|()| steps.run("fuzzing", || done(Fuzz::short().run(project))));
        let ended = firmware.join();
        let (iso, built, same, total) = ended.map_err(|_| anyhow!("the build of the firmware panicked"))?;
        let (iso, result) = match iso {
            Ok(iso) => (Some(iso), Ok(Outcome::default())),
            Err(error) => (None, Err(error)),
        };
        steps.ran_beside("firmware", built, result)?;
        steps.ran_beside("reproducible firmware", total.saturating_sub(built), done(same))?;
        mine?;
        iso.context("the firmware step gave no ISO")
    })
}

fn build_tests(project: &Project) -> Result<()> {
    let mut command = tidy::cargo(project);
    command.args(["test", "--workspace", "--locked", "--no-run"]);
    // As the tests run later: another path would compile some libraries again.
    command.env("PATH", setup::path(project));
    progress::pass_through(&mut command)
}

fn cargo_test(project: &Project, iso: &Path) -> Result<usize> {
    let mut command = tidy::cargo(project);
    command.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    command
        .env("SPS_ISO", iso)
        .env("SPS_BROWSER", setup::browser_libraries(project)?)
        .env("SPS_WEB_JUDGES", setup::web_judges(project)?)
        .env("SPS_S3_SERVER", setup::s3_server(project)?)
        .env("SPS_SSH_CLIENTS", setup::ssh_clients(project)?)
        .env("SPS_SSH_JUDGE", setup::ssh_judge(project)?)
        .env("PATH", setup::path(project));
    progress::tests("tests", &mut command)
}

/// Stories under a kernel that crashes on request.
fn kernel_faults(project: &Project, iso: &Path) -> Result<usize> {
    let kernel = kernel::ensure(project, Variant::Test)?;
    let mut command = tidy::cargo(project);
    command
        .args(["test", "--locked", "--package", "sps-boot-tests"])
        .args(["--features", "test-kernel", "--test", "kernel_faults"])
        .env("SPS_ISO", iso)
        .env("SPS_TEST_KERNEL", kernel.bzimage);
    progress::tests("kernel faults", &mut command)
}

/// Every state after a power cut during a reorganization.
fn data_store_power_cuts(project: &Project) -> Result<usize> {
    let mut command = tidy::cargo(project);
    command
        .args(["test", "--locked", "--package", "sps-data-store-tests"])
        .args(["--test", "power_cuts"])
        .env("SPS_LONG", "1");
    progress::tests("power cuts of the data store", &mut command)
}

/// As many sessions as the smallest machine that is promised to stay can be flooded with.
fn flood(project: &Project, iso: &Path) -> Result<usize> {
    let mut command = tidy::cargo(project);
    command
        .args(["test", "--locked", "--package", "sps-boot-tests"])
        .args(["--features", "long", "--test", "stories", "--", "flood::"])
        .env("SPS_ISO", iso)
        .env("PATH", setup::path(project));
    progress::tests("flood", &mut command)
}

/// Every state after a power cut, and kills enough to meet rare moments.
fn power_cuts(project: &Project, iso: &Path) -> Result<usize> {
    let mut command = tidy::cargo(project);
    command
        .args(["test", "--locked", "--package", "sps-boot-tests"])
        .args(["--test", "power_cuts"])
        .env("SPS_ISO", iso)
        .envs([
            ("SPS_LONG", "1"),
            ("SPS_KILLS", "100"),
            ("SPS_POWER_CUT_SECONDS", "7200"),
        ]);
    progress::tests("power cuts", &mut command)
}

fn done<T>(result: Result<T>) -> Result<Outcome> {
    result.map(|_| Outcome::default())
}
