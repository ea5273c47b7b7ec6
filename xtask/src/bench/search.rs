//! The index of content: how fast it takes in what terminals show, and the first page of a search among many sessions, against SQLite's own
//! full-text index, which is not encrypted and gets its texts ready made.
//!
//! The program is `src/indexer/examples/bench_search`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Figure;
use crate::cache::Lock;
use crate::project::Project;

/// Sessions that are searched.
const SESSIONS: u64 = 1_000_000;
/// Seconds of a processor for a GB of output: 20 MB a second.
const INDEX_LIMIT: f64 = 50.0;
/// Milliseconds of the first page.
const PAGE_LIMIT: f64 = 100.0;

#[derive(Deserialize)]
struct Measured {
    sessions: u64,
    indexing: Indexing,
    searching: Searching,
}

#[derive(Deserialize)]
struct Indexing {
    megabytes: f64,
    seconds: f64,
    reading: f64,
    peer_seconds: f64,
    size: f64,
    peer_size: f64,
}

#[derive(Deserialize)]
struct Searching {
    queries: Vec<Query>,
    size: f64,
    memory: f64,
}

#[derive(Deserialize)]
struct Query {
    name: String,
    ms: f64,
    peer_ms: f64,
    found: u64,
}

/// Everything about the index.
pub(super) fn measure(project: &Project) -> Result<Vec<Figure>> {
    let program = build(project)?;
    let lock = Lock::take(&project.cache().join("bench"))?;
    let scratch = lock.scratch("search")?;
    let output = Command::new(program)
        .arg(scratch.path())
        .arg(SESSIONS.to_string())
        .stderr(Stdio::inherit())
        .output()
        .context("start bench_search")?;
    ensure!(output.status.success(), "bench_search could not measure");
    let measured: Measured =
        serde_json::from_slice(&output.stdout).context("read what bench_search measured")?;
    Ok(figures(&measured))
}

fn build(project: &Project) -> Result<PathBuf> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--locked", "--profile", "measure"])
        .args(["--package", "sps-indexer", "--example", "bench_search"])
        .current_dir(project.root())
        .status()
        .context("start cargo")?;
    ensure!(status.success(), "the example bench_search does not compile");
    Ok(project.root().join("target/measure/examples/bench_search"))
}

fn figures(measured: &Measured) -> Vec<Figure> {
    let Indexing {
        megabytes,
        seconds,
        reading,
        peer_seconds,
        size,
        peer_size,
    } = measured.indexing;
    let of_a_gigabyte = |seconds: f64| seconds / megabytes * 1000.0;
    let mut figures = vec![
        Figure::new(
            "a GB of terminal output is indexed, processors",
            of_a_gigabyte(seconds),
            "s",
        )
        .against(of_a_gigabyte(peer_seconds))
        .at_most(INDEX_LIMIT),
        Figure::new(
            "of that, reading trails and emulating",
            of_a_gigabyte(reading),
            "s",
        ),
        Figure::new("index of a GB of terminal output", of_a_gigabyte(size), "MB")
            .against(of_a_gigabyte(peer_size)),
    ];
    for Query {
        name,
        ms,
        peer_ms,
        found,
    } in &measured.searching.queries
    {
        let name = format!("{name}: first page of {found} among {}", measured.sessions);
        figures.push(Figure::new(name, *ms, "ms").against(*peer_ms).at_most(PAGE_LIMIT));
    }
    figures.push(Figure::new(
        "index of these sessions",
        measured.searching.size,
        "MB",
    ));
    figures.push(Figure::new(
        "memory after the searches",
        measured.searching.memory,
        "MiB",
    ));
    figures
}
