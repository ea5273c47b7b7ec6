//! What `cargo xtask bench reorg` measures, each in a process of its own: `make`, `links`, `reorganize`, and the way back:
//! `record`, `point`, `carry-in`.
//!
//! `links` is the comparison: a bare program that gives every trail its new name and makes that permanent, and nothing else.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sps_data_store_tests::scene::{LAST, NEW, OLD};
use sps_datastore::{Steps, Store};
use sps_datastore_engine::{Kind, day_of, layout};
use sps_sample_store::{Random, Recipe, TrailSize, make, session};
use sps_session_record::TrailFile;
use sps_store_forms::Forms;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["make", root, sessions, bytes] => make_store(Path::new(root), sessions.parse()?, bytes.parse()?),
        ["links", root] => timed(|| links(Path::new(root))),
        ["reorganize", root] => timed(|| reorganize(Path::new(root))),
        ["record", root, sessions] => record(Path::new(root), sessions.parse()?),
        ["point", root] => timed(|| point(Path::new(root))),
        ["carry-in", root] => timed(|| carry_in(Path::new(root))),
        _ => bail!(
            "make ROOT SESSIONS BYTES | links ROOT | reorganize ROOT | record ROOT SESSIONS | point ROOT | carry-in ROOT"
        ),
    }
}

fn make_store(root: &Path, sessions: u64, bytes: u64) -> Result<()> {
    let recipe = Recipe {
        layout: 1,
        sessions,
        seed: 1,
        trails: TrailSize::Fixed(bytes),
        damaged: false,
        firmware: OLD.into(),
    };
    make(root, &recipe, |_| {})?;
    Ok(())
}

/// Prints seconds, files and the most memory that was resident, KiB.
fn timed(work: impl FnOnce() -> Result<u64>) -> Result<()> {
    let begun = Instant::now();
    let files = work()?;
    let seconds = begun.elapsed().as_secs_f64();
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak
        .and_then(|peak| peak.split_whitespace().next())
        .unwrap_or("0");
    println!("{seconds} {files} {peak}");
    Ok(())
}

fn links(root: &Path) -> Result<u64> {
    let (from, to) = (root.join("layout-1.1/trails"), root.join("links"));
    fs::create_dir(&to)?;
    let mut files = 0;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let (year, month, day) = day_of(name.as_encoded_bytes()).context("a trail without a day")?;
        let folder: PathBuf = to.join(format!("{year:04}/{month:02}/{day:02}"));
        let target = folder.join(&name);
        if fs::hard_link(entry.path(), &target).is_err() {
            fs::create_dir_all(&folder)?;
            fs::hard_link(entry.path(), &target)?;
        }
        files += 1;
    }
    rustix::fs::syncfs(fs::File::open(&to)?)?;
    Ok(files)
}

fn reorganize(root: &Path) -> Result<u64> {
    let store = Store::open(root, NEW, LAST, &Steps::default())?;
    let made = store.prepare(&Forms, 0, &mut |_| true)?.made;
    Ok(made.context("there was nothing to do")?.files)
}

/// The new firmware records sessions, and carries each when it ends. Prints the seconds that took, how many, and nothing for memory.
fn record(root: &Path, sessions: u64) -> Result<()> {
    let store = Store::open(root, NEW, LAST, &Steps::default())?;
    let new = store.prepare(&Forms, 0, &mut |_| true)?;
    let place = layout(LAST)
        .and_then(|layout| layout.place(Kind::Trails))
        .context("a place of trails")?;
    let mut random = Random::new(7);
    let mut took = Duration::ZERO;
    for number in 0..sessions {
        let mut record = session(number, sessions, &mut random);
        record.id = format!("ssh-after-{number}");
        let name = format!("2027/01/15/{}.zat", record.id);
        let path = new.path.join(place.path).join(&name);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        fs::write(&path, [7; 4096])?;
        record.trail = Some(TrailFile { name, size: 4096 });
        let begun = Instant::now();
        store.carry_out(new.tree, &record)?;
        took += begun.elapsed();
    }
    println!("{} {sessions} 0", took.as_secs_f64());
    Ok(())
}

/// The earlier firmware finds its tree.
fn point(root: &Path) -> Result<u64> {
    let store = Store::open(root, OLD, 1, &Steps::default())?;
    let found = store.prepare(&Forms, 1, &mut |_| true)?;
    ensure!(
        found.made.is_none() && found.tree.layout == 1,
        "it made {found:?}"
    );
    Ok(0)
}

/// And takes over what the new one carried.
fn carry_in(root: &Path) -> Result<u64> {
    let store = Store::open(root, OLD, 1, &Steps::default())?;
    let found = store.prepare(&Forms, 1, &mut |_| true)?;
    Ok(store.carry_in(found.tree, &Forms)?.sessions)
}
