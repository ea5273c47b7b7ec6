//! `cargo xtask make-store`: a believable data store of any layout and size.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use sps_datastore_engine::{Meter, digest_of};
use sps_sample_store::{Recipe, TrailSize, make};

use crate::progress::{Step, duration};

/// Writes a data store as years of work would leave it, for trying an upgrade on.
///
/// The same layout, number and seed give the same store. Trails have some KiB each unless --trail-bytes says otherwise.
#[derive(Debug, Args)]
pub(crate) struct MakeStore {
    /// Folder the store is made in; it must hold none
    folder: PathBuf,
    /// Its layout, such as L1
    #[arg(long, value_name = "LAYOUT", default_value = "L1", value_parser = layout)]
    layout: u32,
    /// Recorded sessions
    #[arg(long, value_name = "N", default_value_t = 1000)]
    sessions: u64,
    /// What everything random comes from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Bytes of each trail
    #[arg(long, value_name = "BYTES")]
    trail_bytes: Option<u64>,
    /// Without damaged records, odd names and files of unknown origin
    #[arg(long)]
    intact: bool,
    /// Digest of the firmware that used it, as `sps image show` tells it
    #[arg(long, value_name = "DIGEST", default_value = NOBODY)]
    firmware: String,
}

/// How often it is told how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);

fn tell(mut meter: Meter, done: u64, took: Duration) {
    meter.advance(done);
    let now = meter.progress(took);
    let rate = now.rate.unwrap_or(0.0);
    let left = now
        .left
        .map_or_else(String::new, |left| format!(", {} left", duration(left)));
    println!("sessions: {done} of {}, {rate:.0} a second{left}", now.total);
}

/// A firmware that there is not.
const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn layout(text: &str) -> Result<u32, String> {
    let number = text.strip_prefix('L').unwrap_or(text);
    number
        .parse()
        .map_err(|_| format!("{text:?} is no layout, such as L1"))
}

impl MakeStore {
    pub(crate) fn run(self) -> Result<()> {
        fs::create_dir_all(&self.folder).with_context(|| format!("make {}", self.folder.display()))?;
        ensure!(
            digest_of(&self.firmware).is_some(),
            "{:?} is no digest: 64 hexadecimal digits",
            self.firmware
        );
        let recipe = Recipe {
            layout: self.layout,
            sessions: self.sessions,
            seed: self.seed,
            trails: self.trail_bytes.map_or(TrailSize::Believable, TrailSize::Fixed),
            damaged: !self.intact,
            firmware: self.firmware,
        };
        let step = Step::start("sessions");
        let meter = Meter::new(self.sessions, Duration::ZERO);
        let (begun, mut told) = (Instant::now(), Instant::now());
        let made = make(&self.folder, &recipe, |done| {
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                tell(meter, done, begun.elapsed());
            }
        })?;
        step.done();
        println!("path     {}", made.tree.display());
        println!("files    {}", made.files);
        println!("bytes    {}", made.bytes);
        Ok(())
    }
}
