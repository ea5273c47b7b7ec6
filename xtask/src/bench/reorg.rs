//! A reorganization of the data store, from the first layout to the last, on this machine's disk.
//!
//! Comparisons, of the same store in the same run: a bare program that only makes the same hard links, and `cp -a` with a sync. Each
//! is a process of its own; before each everything is written out. The program is
//! `tests/data-store/examples/measure_reorganization.rs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Figure;
use super::boot::median;
use crate::cache::Lock;
use crate::project::Project;

/// Many small files, and few large ones: sessions, bytes of a trail, and by how much `cp -a` must be slower.
const STORES: [(u64, u64, f64); 2] = [(1_000_000, 4096, 2.5), (20_000, 1 << 20, 50.0)];
/// A tenth of the many, to see that time grows with the number of files and with nothing else.
const TENTH: u64 = 100_000;
/// Times each is measured; the median counts.
const ROUNDS: usize = 3;
/// How much longer than bare links it may take.
const LINKS_LIMIT: f64 = 1.7;
/// How much more than bare links' the time of a file may grow from [`TENTH`] to the many: a disk's own time for a link grows too, with
/// its folders and its journal.
const GROWTH_LIMIT: f64 = 1.2;
/// Sessions the new firmware recorded before the way back.
const RECORDED: u64 = 1000;
/// Seconds until the earlier firmware has its tree again.
const POINTER_LIMIT: f64 = 1.0;
/// MiB that may be resident.
const MEMORY_LIMIT: f64 = 64.0;

/// What the program prints.
struct Run {
    seconds: f64,
    files: f64,
    peak_mib: f64,
}

/// Links, copies and reorganizations.
pub(super) fn measure(project: &Project) -> Result<Vec<Figure>> {
    let program = build(project)?;
    let lock = Lock::take(&project.cache().join("bench"))?;
    let scratch = lock.scratch("reorg")?;
    let mut figures = Vec::new();
    let tenth = Store::new(&program, scratch.path(), TENTH, STORES[0].1)?;
    let (small_links, small) = tenth.measured()?;
    tenth.remove()?;
    for (sessions, bytes, copy_bar) in STORES {
        let store = Store::new(&program, scratch.path(), sessions, bytes)?;
        let (links, whole) = store.rounds()?;
        let copy = store.copy()?;
        let back = store.back()?;
        store.remove()?;
        let name = format!("{sessions} sessions with trails of {bytes} bytes");
        let seconds = median(whole.iter().map(|run| run.seconds).collect());
        let bare = median(links.iter().map(|run| run.seconds).collect());
        figures.push(
            Figure::new(format!("reorganization of {name}"), seconds, "s")
                .against(bare)
                .ratio_at_most(LINKS_LIMIT),
        );
        figures.push(
            Figure::new(format!("the same, against cp -a and sync: {name}"), seconds, "s")
                .against(copy)
                .ratio_at_most(1.0 / copy_bar),
        );
        figures.extend(back.figures(&name));
        let peak = whole.iter().map(|run| run.peak_mib).fold(0.0, f64::max);
        figures.push(Figure::new(format!("most memory: {name}"), peak, "MiB").at_most(MEMORY_LIMIT));
        if bytes == STORES[0].1 {
            let files = whole.iter().map(|run| run.files).fold(0.0, f64::max);
            figures.push(Figure::new(
                "files a second, many small ones",
                files / seconds,
                "files/s",
            ));
            let name = format!("{sessions} sessions instead of {TENTH}: times as long, against bare links");
            figures.push(
                Figure::new(name, seconds / small, "x")
                    .against(bare / small_links)
                    .ratio_at_most(GROWTH_LIMIT),
            );
        }
    }
    Ok(figures)
}

fn build(project: &Project) -> Result<PathBuf> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--locked", "--profile", "measure"])
        .args([
            "--package",
            "sps-data-store-tests",
            "--example",
            "measure_reorganization",
        ])
        .current_dir(project.root())
        .status()
        .context("start cargo")?;
    ensure!(
        status.success(),
        "the example measure_reorganization does not compile"
    );
    Ok(project
        .root()
        .join("target/measure/examples/measure_reorganization"))
}

/// The way back: seconds.
struct Back {
    carried_out: f64,
    pointer: f64,
    carried_in: f64,
}

impl Back {
    fn figures(&self, name: &str) -> [Figure; 3] {
        let each = |seconds: f64| seconds * 1000.0 / RECORDED as f64;
        [
            Figure::new(
                format!("back: the earlier tree is served: {name}"),
                self.pointer,
                "s",
            )
            .at_most(POINTER_LIMIT),
            Figure::new(
                format!("back: a session carried when it ends: {name}"),
                each(self.carried_out),
                "ms",
            ),
            Figure::new(
                format!("back: a carried session taken over: {name}"),
                each(self.carried_in),
                "ms",
            ),
        ]
    }
}

/// A store that is measured on.
struct Store<'a> {
    program: &'a Path,
    root: PathBuf,
    served: Vec<u8>,
}

impl<'a> Store<'a> {
    fn new(program: &'a Path, folder: &Path, sessions: u64, bytes: u64) -> Result<Self> {
        let root = folder.join("data");
        fs::create_dir(&root)?;
        let mut store = Self {
            program,
            root,
            served: Vec::new(),
        };
        let made = Command::new(program)
            .arg("make")
            .arg(&store.root)
            .args([sessions.to_string(), bytes.to_string()])
            .status()?;
        ensure!(made.success(), "the store could not be made");
        store.served = fs::read(store.root.join("last-served.json"))?;
        Ok(store)
    }

    fn run(&self, what: &str) -> Result<Run> {
        sync()?;
        let ran = Command::new(self.program).arg(what).arg(&self.root).output()?;
        numbers(what, &ran)
    }

    /// The new firmware has its tree and records in it; then the earlier one starts again.
    fn back(&self) -> Result<Back> {
        self.run("reorganize")?;
        sync()?;
        let recorded = Command::new(self.program)
            .arg("record")
            .arg(&self.root)
            .arg(RECORDED.to_string())
            .output()?;
        let carried_out = numbers("record", &recorded)?.seconds;
        let pointer = self.run("point")?.seconds;
        let taken = self.run("carry-in")?;
        ensure!(
            taken.files == RECORDED as f64,
            "{} sessions came back",
            taken.files
        );
        Ok(Back {
            carried_out,
            pointer,
            carried_in: taken.seconds,
        })
    }

    fn links(&self) -> Result<Run> {
        let run = self.run("links")?;
        fs::remove_dir_all(self.root.join("links"))?;
        Ok(run)
    }

    fn reorganization(&self) -> Result<Run> {
        let run = self.run("reorganize")?;
        // Back to before.
        fs::write(self.root.join("last-served.json"), &self.served)?;
        fs::remove_dir_all(self.root.join("layout-5.2"))?;
        for pointer in fs::read_dir(self.root.join("by-firmware"))? {
            let pointer = pointer?.path();
            if fs::read_link(&pointer)?.ends_with("layout-5.2") {
                fs::remove_file(pointer)?;
            }
        }
        Ok(run)
    }

    /// Bare links and reorganizations, by turns.
    fn rounds(&self) -> Result<(Vec<Run>, Vec<Run>)> {
        let (mut links, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            links.push(self.links()?);
            whole.push(self.reorganization()?);
        }
        Ok((links, whole))
    }

    /// Seconds of both.
    fn measured(&self) -> Result<(f64, f64)> {
        let (links, whole) = self.rounds()?;
        let middle = |runs: Vec<Run>| median(runs.iter().map(|run| run.seconds).collect());
        Ok((middle(links), middle(whole)))
    }

    fn copy(&self) -> Result<f64> {
        sync()?;
        let begun = Instant::now();
        let copied = Command::new("cp")
            .arg("-a")
            .args([self.root.join("layout-1.1"), self.root.join("copied")])
            .status()?;
        ensure!(copied.success(), "cp -a failed");
        sync()?;
        let took = begun.elapsed().as_secs_f64();
        fs::remove_dir_all(self.root.join("copied"))?;
        Ok(took)
    }

    fn remove(self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.root)?)
    }
}

/// What the program measured.
fn numbers(what: &str, ran: &Output) -> Result<Run> {
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    ensure!(
        ran.status.success(),
        "{what} failed: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let numbers: Vec<f64> = told
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let &[seconds, files, peak] = numbers.as_slice() else {
        anyhow::bail!("{what} said {told:?}");
    };
    Ok(Run {
        seconds,
        files,
        peak_mib: peak / 1024.0,
    })
}

fn sync() -> Result<()> {
    ensure!(Command::new("sync").status()?.success(), "sync failed");
    Ok(())
}
