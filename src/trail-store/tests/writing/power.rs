//! The power cut in every part of every flush window, on a real ext4 whose writes are recorded.

use std::env;
use std::io::{Write as _, stderr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use sps_harness::{Mounted, PowerCuts, RecordedDisk, WriteLog};
use sps_trail::{Event, State};

use crate::disks::new_disk;
use crate::lab::{begin, ending, noise, read, runtime, store};

const DISK: u64 = 8 << 20;
/// Time for the power cuts, usually and in the long run.
const TIME: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(3600)];
/// Sessions one after the other, and events of each.
const SESSIONS: u64 = 12;
const EVENTS: usize = 6;

fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = Command::new("cp")
        // A file of its own each time: a loop device that is not gone yet still shows what was in the one before.
        .args(["--sparse=always", "--remove-destination"])
        .args([from, to])
        .status()?;
    ensure!(copied.success(), "could not copy the disk");
    Ok(())
}

fn event(session: u64, number: usize) -> Vec<u8> {
    noise(session * 100 + number as u64, 700 * (number + 1))
}

/// Sessions that go on side by side: each records an event and waits for the disk, and every second time all do so in one round.
fn record(folder: &Path) -> Result<()> {
    let store = store(folder);
    runtime().block_on(async {
        let mut before = None;
        for session in 0..SESSIONS {
            let trail = begin(&store, &format!("day/{session}")).await?;
            for number in 0..EVENTS {
                trail
                    .append(&Event::output(number as u64 * 20_000, 1, &event(session, number)))
                    .await?;
                trail.flush().await?;
            }
            if let Some(before) = before.replace(trail) {
                before.finish(ending()).await?;
            }
        }
        match before {
            Some(last) => last.finish(ending()).await.map(|_| ()),
            None => Ok(()),
        }
    })?;
    store.stop();
    Ok(())
}

/// Every trail is good, holds what was recorded in its order, and all that was on the disk before the next one began.
fn judge(folder: &Path) -> Result<[u32; 2]> {
    let mut seen = [0, 0];
    for session in 0..SESSIONS {
        let file = folder.join(format!("day/{session}"));
        if !file.exists() {
            break;
        }
        let (output, report) = read(&file);
        ensure!(report.state.is_good(), "trail {session}: {}", report.state);
        let wanted: Vec<u8> = (0..EVENTS).flat_map(|number| event(session, number)).collect();
        ensure!(
            wanted.starts_with(&output),
            "trail {session} holds something else"
        );
        let began = |later: u64| {
            let next = folder.join(format!("day/{}", session + later));
            next.exists() && read(&next).1.head.is_some()
        };
        let flushed = began(1);
        ensure!(
            !flushed || output == wanted,
            "trail {session} lost what was flushed"
        );
        let finished = began(2);
        ensure!(
            !finished || report.state == State::Complete,
            "trail {session} lost its end"
        );
        seen[usize::from(report.state == State::Complete)] += 1;
    }
    Ok(seen)
}

#[test]
fn no_power_cut_damages_a_trail_or_takes_what_was_flushed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let [image, base, log, copied, mounted] =
        ["disk", "base", "log", "copy", "data"].map(|name| folder.path().join(name));
    new_disk(&image, DISK)?;
    copy(&image, &base)?;
    let recorded = RecordedDisk::start(&image, &log, folder.path())?;
    let disk = Mounted::ext4(recorded.file(), &mounted)?;
    record(disk.folder())?;
    ensure!(judge(disk.folder())? == [0, u32::try_from(SESSIONS)?]);
    disk.leave()?;
    recorded.stop()?;

    let log = WriteLog::open(&log)?;
    let time = TIME[usize::from(env::var_os("SPS_LONG").is_some())];
    let mut sum = [0, 0];
    let report = PowerCuts::new(&log, 7, time).run(&base, |_| {
        copy(&base, &copied)?;
        let disk = Mounted::ext4(&copied, &mounted)?;
        let judged = judge(disk.folder());
        disk.leave()?;
        let seen = judged?;
        sum = [sum[0] + seen[0], sum[1] + seen[1]];
        Ok(())
    })?;
    writeln!(
        stderr(),
        "trails: {report}; {} cut and {} complete trails read",
        sum[0],
        sum[1]
    )?;
    ensure!(
        sum[0] > 0 && sum[1] > 0,
        "the cuts reached no trail that was being written"
    );
    Ok(())
}
