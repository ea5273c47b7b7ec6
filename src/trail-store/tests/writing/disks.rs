//! Disks that are full, and disks that fail.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use sps_harness::Mounted;
use sps_trail::{Event, State};

use crate::lab::{begin, ending, noise, read, runtime, store};

pub(crate) fn new_disk(image: &Path, bytes: u64) -> Result<()> {
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
        // The other session learns it when it has something to write; what the file system kept back for itself it may still get.
        let mut other = Ok(());
        for step in 2..40 {
            if other.is_ok() {
                other = idle.append(&Event::output(step, 1, &data)).await;
            }
        }
        let other = match other {
            Ok(()) => idle.finish(ending()).await.map(|_| ()),
            error => error,
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

/// A small file system in memory: a disk whose image lies there fails when that is full, as a broken one does.
struct Memory(PathBuf);

impl Memory {
    fn mount(folder: &Path, size: &str) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        ensure!(
            command.arg(folder).status()?.success(),
            "no file system in memory"
        );
        Ok(Self(folder.to_owned()))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let left = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(
            left.is_ok_and(|status| status.success()),
            "the file system in memory stays"
        );
    }
}

/// An ext4 without a journal, so that it is data that fails, of which the first megabytes have room.
fn failing(folder: &Path) -> Result<(Memory, Mounted)> {
    let memory = Memory::mount(&folder.join("memory"), "3m")?;
    let image = memory.0.join("disk");
    std::fs::File::create(&image)?.set_len(64 << 20)?;
    let made = Command::new("mke2fs")
        .args([
            "-q",
            "-t",
            "ext4",
            "-O",
            "^has_journal",
            "-E",
            "nodiscard",
            "-N",
            "64",
        ])
        .arg(&image)
        .status()?;
    ensure!(made.success(), "mke2fs failed");
    let disk = Mounted::ext4(&image, &folder.join("data"))?;
    Ok((memory, disk))
}

#[test]
fn an_error_of_a_sync_is_told_to_every_session_whose_file_it_is() -> Result<()> {
    // By itself, and with so many that the whole file system is synced.
    for count in [1, 30] {
        let folder = tempfile::tempdir()?;
        let (_memory, disk) = failing(folder.path())?;
        let store = store(disk.folder());
        let failed: Result<usize> = runtime().block_on(async {
            let mut trails = Vec::new();
            for number in 0..count {
                trails.push(begin(&store, &format!("{number}")).await?);
            }
            let data = noise(9, 8 << 20);
            for trail in &trails {
                // Together they take more than there is room for, and the disk said it had it.
                for part in data.chunks(64 * 1024).take(128 / count) {
                    if trail.append(&Event::output(1, 1, part)).await.is_err() {
                        break;
                    }
                }
            }
            let mut failed = 0;
            for trail in trails {
                match trail.finish(ending()).await {
                    Ok(_) => {}
                    Err(error) => {
                        ensure!(
                            error.to_string().contains("could not sync the audit trail"),
                            "{error}"
                        );
                        failed += 1;
                    }
                }
            }
            Ok(failed)
        });
        let failed = failed?;
        drop(store);
        disk.leave()?;
        ensure!(failed > 0, "{count} sessions: nobody was told");
    }
    Ok(())
}
