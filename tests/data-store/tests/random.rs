//! Random stores and random histories: firmware of any layout comes and goes, is stopped at any step, and the clock jumps. Whatever
//! happened, the last one to come has everything.

use std::env;
use std::io::{self, Write as _, stderr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sps_data_store_tests::scene::{Before, LAST, NEW, NOW, scratch, start_at, store_of};
use sps_datastore::Steps;
use sps_sample_store::Random;

/// How long histories are tried.
const TIME: Duration = Duration::from_secs(8);
/// In the long run.
const LONG: Duration = Duration::from_secs(900);
/// Digests of firmware between the first and the last.
const BETWEEN: [&str; 3] = [
    "1111111111111111111111111111111111111111111111111111111111111111",
    "2222222222222222222222222222222222222222222222222222222222222222",
    "3333333333333333333333333333333333333333333333333333333333333333",
];

/// Stops after `left` steps.
fn stopping(left: usize) -> Steps {
    let left = AtomicUsize::new(left);
    Steps::watched(move |_| {
        let more = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        more.map(drop).map_err(|_| io::Error::other("the power is gone"))
    })
}

/// One history; how often it was stopped.
fn history(seed: u64) -> Result<usize> {
    let mut random = Random::new(seed);
    let from = 1 + u32::try_from(random.below(4))?;
    let root = scratch()?;
    let tree = store_of(root.path(), from, random.below(30), seed)?;
    let before = Before::new(root.path(), &tree, from)?;
    let mut stopped = 0;
    for _ in 0..random.below(6) {
        // It may be of any layout that can read the store, and the clock may say anything.
        let layout = from + u32::try_from(random.below(u64::from(LAST - from) + 1))?;
        let firmware = BETWEEN[usize::try_from(random.below(3))?];
        let steps = stopping(usize::try_from(random.below(220))?);
        let now = random.below(2 * NOW);
        stopped += usize::from(start_at(root.path(), firmware, layout, &steps, now).is_err());
        before.old_is_untouched().context("after a start between")?;
    }
    let new = start_at(root.path(), NEW, LAST, &Steps::default(), random.below(2 * NOW))?;
    before.new_is_whole(&new)?;
    before.old_is_whole()?;
    Ok(stopped)
}

#[test]
fn whatever_came_before_the_last_firmware_has_everything() -> Result<()> {
    if let Ok(seed) = env::var("SPS_SEED") {
        return history(seed.parse()?).map(drop);
    }
    let time = if env::var_os("SPS_LONG").is_some() {
        LONG
    } else {
        TIME
    };
    let (begun, mut seeds, mut stopped) = (Instant::now(), 0, 0);
    while begun.elapsed() < time {
        stopped += history(seeds).with_context(|| {
            format!("seed {seeds}: see it again with SPS_SEED={seeds} cargo test -p sps-data-store-tests --test random")
        })?;
        seeds += 1;
    }
    writeln!(stderr(), "{seeds} histories, stopped {stopped} times")?;
    ensure!(seeds > 5 && stopped > 0, "{seeds} {stopped}");
    Ok(())
}
