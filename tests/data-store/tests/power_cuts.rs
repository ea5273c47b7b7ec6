//! A reorganization on a real ext4, its writes recorded, and the power cut in every part of every flush window.

use std::env;
use std::io::{Write as _, stderr};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sps_data_store_tests::scene::{Before, LAST, NEW, start, store};
use sps_datastore::Steps;
use sps_harness::{Mounted, PowerCuts, RecordedDisk, WriteLog};

/// Bytes of the disk: what a small store and the file system's own journal need.
const DISK: u64 = 24 << 20;
/// Time for the power cuts, usually and in the long run.
const TIME: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(4 * 3600)];
/// What draws the sample; another one by `SPS_SEED`.
const SEED: u64 = 5;

fn new_disk(image: &Path) -> Result<()> {
    std::fs::File::create(image)?.set_len(DISK)?;
    let made = Command::new("mke2fs")
        .args(["-q", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0"])
        .arg(image)
        .status();
    ensure!(made.context("run mke2fs")?.success(), "mke2fs failed");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = Command::new("cp")
        // A file of its own each time: a loop device that is not gone yet still shows what was in the one before.
        .args(["--sparse=always", "--remove-destination"])
        .args([from, to])
        .status()?;
    ensure!(copied.success(), "could not copy the disk");
    Ok(())
}

#[test]
fn no_power_cut_during_a_reorganization_loses_anything() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let [image, base, log, copied, mounted] =
        ["disk", "base", "log", "copy", "data"].map(|name| folder.path().join(name));
    new_disk(&image)?;
    let disk = Mounted::ext4(&image, &mounted)?;
    let tree = store(disk.folder(), 1, 3)?;
    let before = Before::new(disk.folder(), &tree, 1)?;
    disk.leave()?;
    copy(&image, &base)?;

    let recorded = RecordedDisk::start(&image, &log, folder.path())?;
    let disk = Mounted::ext4(recorded.file(), &mounted)?;
    let made = start(disk.folder(), NEW, LAST, &Steps::default())?;
    before.new_is_whole(&made)?;
    disk.leave()?;
    recorded.stop()?;

    let log = WriteLog::open(&log)?;
    let time = TIME[usize::from(env::var_os("SPS_LONG").is_some())];
    let seed = env::var("SPS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(SEED);
    let begun = Instant::now();
    let (mut old, mut new) = (0_u32, 0_u32);
    let report = PowerCuts::new(&log, seed, time).run(&base, |_| {
        copy(&base, &copied)?;
        let disk = Mounted::ext4(&copied, &mounted)?;
        let pointed = disk.folder().join("by-firmware").join(NEW).exists();
        let judged = before.old_is_untouched().and_then(|()| {
            let gone_on = start(disk.folder(), NEW, LAST, &Steps::default())?;
            ensure!(
                !pointed || gone_on.made.is_none(),
                "it was pointed to and is made anew"
            );
            before.new_is_whole(&gone_on)?;
            before.old_is_whole()
        });
        disk.leave()?;
        *(if pointed { &mut new } else { &mut old }) += 1;
        judged
    })?;
    let took = begun.elapsed().as_secs();
    writeln!(
        stderr(),
        "reorganization: {report} in {took} s; seed {seed}; the old store in {old} states, the new one in {new}"
    )?;
    ensure!(
        old > 0 && new > 0,
        "the cuts did not reach both sides of the commit"
    );
    Ok(())
}
