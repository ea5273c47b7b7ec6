//! Audit trails: recording, verifying, reading, memory of a session that waits, and a round of the disk with 2,000 sessions.
//!
//! The program is `src/trail-store/examples/bench_trail.rs`. Trails are encrypted for one certificate, chained and sealed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Figure;
use crate::cache::Lock;
use crate::project::Project;

/// Seconds to record a GiB: beside what the two legs of SSH cost, a third of that.
const RECORD_LIMIT: f64 = 5.0;
/// Bytes of a session that waits, keys and all.
const IDLE_LIMIT: f64 = 4.0 * 1024.0;
/// Milliseconds of a round: with the half second between rounds no event is later than one second.
const ROUND_LIMIT: f64 = 500.0;

/// What the example prints.
#[derive(Deserialize)]
struct Measured {
    terminal: f64,
    terminal_size: f64,
    bulk: f64,
    bulk_size: f64,
    verify: f64,
    text: f64,
    idle: f64,
    round_typical: f64,
    round_worst: f64,
}

/// Everything about trails.
pub(super) fn measure(project: &Project) -> Result<Vec<Figure>> {
    let program = build(project)?;
    let lock = Lock::take(&project.cache().join("bench"))?;
    let scratch = lock.scratch("trail")?;
    let output = Command::new(program)
        .arg(scratch.path())
        .stderr(Stdio::inherit())
        .output()
        .context("start bench_trail")?;
    ensure!(output.status.success(), "bench_trail could not measure");
    let measured: Measured =
        serde_json::from_slice(&output.stdout).context("read what bench_trail measured")?;
    Ok(figures(&measured))
}

fn build(project: &Project) -> Result<PathBuf> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--locked", "--profile", "measure"])
        .args(["--package", "sps-trail-store", "--example", "bench_trail"])
        .current_dir(project.root())
        .status()
        .context("start cargo")?;
    ensure!(status.success(), "the example bench_trail does not compile");
    Ok(project.root().join("target/measure/examples/bench_trail"))
}

fn figures(measured: &Measured) -> Vec<Figure> {
    vec![
        Figure::new("a GiB shown by terminals is recorded", measured.terminal, "s").at_most(RECORD_LIMIT),
        Figure::new(
            "a GiB of bytes that cannot be compressed is recorded",
            measured.bulk,
            "s",
        )
        .at_most(RECORD_LIMIT),
        Figure::new("bytes of a trail for a byte shown", measured.terminal_size, "B"),
        Figure::new(
            "bytes of a trail for one that cannot be compressed",
            measured.bulk_size,
            "B",
        ),
        Figure::new("the trail of a GiB shown is verified", measured.verify, "s"),
        Figure::new("the trail of a GiB shown is made text", measured.text, "s"),
        Figure::new("a session that waits, memory", measured.idle, "B").at_most(IDLE_LIMIT),
        Figure::new(
            "a round to the disk, 2,000 sessions, typical",
            measured.round_typical,
            "ms",
        )
        .at_most(ROUND_LIMIT),
        Figure::new("the same, worst", measured.round_worst, "ms").at_most(ROUND_LIMIT),
    ]
}
