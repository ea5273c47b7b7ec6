//! The session database: import, searches, counts, upkeep, beside what one writes in an afternoon.
//!
//! The program is `src/sessions/examples/bench_sessions`: the product's own database, and one table with single-column indexes. A
//! session has 1 or 2 channels and 5 events on average, and all that is searched is indexed when its batch is committed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Figure;
use crate::cache::Lock;
use crate::project::Project;

/// Sessions when nobody says how many.
pub(super) const ROWS: u64 = 10_000_000;
/// Seconds for a million sessions at 25,000 a second.
const MILLION_LIMIT: f64 = 40.0;
/// Milliseconds for a first page, a deep page, a count.
const QUERY_LIMIT: f64 = 50.0;
/// MiB by which memory may grow after the second million.
const GROWTH_LIMIT: f64 = 64.0;
/// Milliseconds until a change of a session that is being recorded is on the disk, an import running.
const LATE_LIMIT: f64 = 1000.0;

/// What the example prints.
#[derive(Deserialize)]
struct Measured {
    rows: u64,
    import: Imports,
    queries: Vec<Timed>,
    walks: Vec<Timed>,
    lateness: Timed,
    upkeep: Vec<Timed>,
    size: f64,
    peer: Peer,
}

#[derive(Deserialize)]
struct Imports {
    seconds: Vec<f64>,
    processor: Vec<f64>,
    part: u64,
    memory_early: f64,
    memory_most: f64,
}

impl Imports {
    /// Seconds for a million sessions, as the part `place` went.
    fn million(&self, place: usize) -> Option<f64> {
        self.seconds
            .get(place)
            .map(|seconds| seconds * 1e6 / self.part as f64)
    }
}

#[derive(Deserialize)]
struct Timed {
    name: String,
    ms: f64,
}

#[derive(Deserialize)]
struct Peer {
    rows: u64,
    import: Imports,
    queries: Vec<Timed>,
    size: f64,
}

/// Import, searches, upkeep of `rows` sessions.
pub(super) fn measure(project: &Project, rows: u64) -> Result<Vec<Figure>> {
    let program = build(project)?;
    let lock = Lock::take(&project.cache().join("bench"))?;
    let scratch = lock.scratch("sessions")?;
    let output = Command::new(program)
        .arg(scratch.path())
        .args([&rows.to_string(), "peer"])
        .stderr(Stdio::inherit())
        .output()
        .context("start bench_sessions")?;
    ensure!(output.status.success(), "bench_sessions could not measure");
    let measured: Measured =
        serde_json::from_slice(&output.stdout).context("read what bench_sessions measured")?;
    Ok(figures(&measured))
}

fn build(project: &Project) -> Result<PathBuf> {
    let status = Command::new("cargo")
        .args([
            "build",
            "--quiet",
            "--locked",
            "--release",
            "--package",
            "sps-sessions",
        ])
        .args(["--example", "bench_sessions"])
        .current_dir(project.root())
        .status()
        .context("start cargo")?;
    ensure!(status.success(), "the example bench_sessions does not compile");
    Ok(project.root().join("target/release/examples/bench_sessions"))
}

fn figures(measured: &Measured) -> Vec<Figure> {
    let mut figures = curve(measured);
    for (query, peer) in measured.queries.iter().zip(&measured.peer.queries) {
        let name = format!("first page: {}{}", query.name, peer_rows(measured));
        figures.push(
            Figure::new(name, query.ms, "ms")
                .against(peer.ms)
                .at_most(QUERY_LIMIT),
        );
    }
    for walk in &measured.walks {
        figures.push(Figure::new(walk.name.clone(), walk.ms, "ms").at_most(QUERY_LIMIT));
    }
    let late = "a change of a session until it is on the disk, an import running, worst";
    figures.push(Figure::new(late, measured.lateness.ms, "ms").at_most(LATE_LIMIT));
    for work in &measured.upkeep {
        figures.push(Figure::new(work.name.clone(), work.ms / 1e3, "s"));
    }
    let grown = measured.import.memory_most - measured.import.memory_early;
    figures.push(Figure::new("memory beyond that after the second part", grown, "MiB").at_most(GROWTH_LIMIT));
    figures.push(Figure::new("memory, most", measured.import.memory_most, "MiB"));
    let size = measured.size * 1e6 / measured.rows as f64;
    let peer = measured.peer.size * 1e6 / measured.peer.rows as f64;
    figures.push(Figure::new("file, bytes for a session", size, "B").against(peer));
    figures
}

/// Seconds for a million sessions along the import; the last part has the bar.
fn curve(measured: &Measured) -> Vec<Figure> {
    let parts = measured.import.seconds.len();
    let mut figures = Vec::new();
    for place in 0..parts {
        let Some(seconds) = measured.import.million(place) else {
            continue;
        };
        let at = measured.import.part * (place as u64 + 1);
        let mut figure = Figure::new(format!("import of a million, at {at} sessions"), seconds, "s");
        if let Some(peer) = measured.peer.import.million(place) {
            figure = figure.against(peer);
        }
        figures.push(if place + 1 == parts {
            figure.at_most(MILLION_LIMIT)
        } else {
            figure
        });
    }
    let last = measured.import.processor.last().copied().unwrap_or_default();
    let busy = last * 1e6 / measured.import.part as f64;
    figures.push(Figure::new("the last of these, time of a processor", busy, "s"));
    figures
}

/// The comparison stops when it takes too long: then it has fewer sessions to search, and the name says so.
fn peer_rows(measured: &Measured) -> String {
    if measured.peer.rows == measured.rows {
        String::new()
    } else {
        format!(" (comparison: of {} sessions)", measured.peer.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_has_the_bar_and_a_short_comparison_is_named() {
        let imports = |seconds: &[f64]| Imports {
            seconds: seconds.to_vec(),
            processor: seconds.to_vec(),
            part: 100_000,
            memory_early: 10.0,
            memory_most: 20.0,
        };
        let timed = |ms| Timed { name: "x".into(), ms };
        let measured = Measured {
            rows: 200_000,
            import: imports(&[2.0, 3.0]),
            queries: vec![timed(2.0)],
            walks: vec![],
            lateness: timed(1500.0),
            upkeep: vec![],
            size: 100.0,
            peer: Peer {
                rows: 100_000,
                import: imports(&[4.0]),
                queries: vec![timed(8.0)],
                size: 100.0,
            },
        };
        let lines: Vec<String> = figures(&measured)
            .iter()
            .map(|figure| serde_json::to_string(figure).expect("JSON"))
            .collect();
        assert_eq!(
            lines[0],
            r#"{"name":"import of a million, at 100000 sessions","value":20.0,"unit":"s","peer":40.0,"ratio":0.5,"bar":null,"met":null}"#
        );
        assert!(
            lines[1].ends_with(r#""bar":"<= 40 s","met":true}"#),
            "{}",
            lines[1]
        );
        assert!(
            lines[3].contains("first page: x (comparison: of 100000 sessions)"),
            "{}",
            lines[3]
        );
        assert!(lines[4].contains(r#""met":false"#), "{}", lines[4]);
    }
}
