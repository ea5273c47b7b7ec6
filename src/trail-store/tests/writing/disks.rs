//! A disk that is full.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use sps_harness::Mounted;
use sps_trail::{Event, State};

use crate::lab::{begin, ending, noise, read, runtime, store};

pub(crate) fn new_disk(image: &std::path::Path, bytes: u64) -> Result<()> {
    std::fs::File::create(image)?.set_len(bytes)?;
    let made = Command::new("mke2fs")
        .args(["-q", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0"])
        .arg(image)
        .status();
    ensure!(made.context("run mke2fs")?.success(), "mke2fs failed");
    Ok(())
}

#[test]
fn a_full_disk_is_told_to_the_session_and_what_was_written_stays_good() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (image, mounted) = (folder.path().join("disk"), folder.path().join("data"));
    new_disk(&image, 8 << 20)?;
    let disk = Mounted::ext4(&image, &mounted)?;
    let store = store(disk.folder());
    let data = noise(5, 50_000);
    runtime().block_on(async {
        let (fast, idle) = (begin(&store, "fast").await?, begin(&store, "idle").await?);
        idle.append(&Event::output(1, 1, b"before")).await?;
        idle.flush().await?;
        let mut written = 0;
        let error = loop {
            if let Err(error) = fast.append(&Event::output(written, 1, &data)).await {
                break error;
            }
            written += 1;
            ensure!(written < 1000, "8 MiB take 50 MB");
        };
        ensure!(
            error.to_string().contains("could not write the audit trail"),
            "{error}"
        );
        let told = fast.failure().await;
        ensure!(told.to_string() == error.to_string());
        ensure!(fast.record(&Event::output(0, 1, b"more")).is_err() && fast.flush().await.is_err());
        ensure!(fast.finish(ending()).await.is_err());
        // The other session learns it when it has something to write.
        let other = match idle.append(&Event::output(2, 1, &data)).await {
            Ok(()) => idle.finish(ending()).await.map(|_| ()),
            Err(error) => Err(error),
        };
        ensure!(other.is_err(), "there was still room");
        Ok(())
    })?;
    let (output, report) = read(&disk.folder().join("fast"));
    ensure!(output.len() > 1_000_000 && data.repeat(1000).starts_with(&output));
    ensure!(matches!(report.state, State::Cut { .. }), "{}", report.state);
    let (output, report) = read(&disk.folder().join("idle"));
    ensure!(
        output.starts_with(b"before") && report.state.is_good(),
        "{}",
        report.state
    );
    drop(store);
    disk.leave()
}
