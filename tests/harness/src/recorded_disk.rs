//! A disk of this machine's own whose writes are recorded: a raw image behind `qemu-storage-daemon`, which shows it as a file (FUSE)
//! and records requests as [`crate::WriteLog`] reads them, and a loop device on that file. Needs root.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::process::Process;

/// Longest wait for the daemon to show its file, and to end.
const SOON: Duration = Duration::from_secs(20);
/// Between two looks for it: it tells nobody.
const LOOK: Duration = Duration::from_millis(20);

/// A file system that is mounted; dropping it without [`Mounted::leave`] leaves the rest to the operating system.
#[derive(Debug)]
pub struct Mounted {
    folder: PathBuf,
}

impl Mounted {
    /// Mounts the ext4 in a file or on a device at `folder`, which is made.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn ext4(file: &Path, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let mut command = Command::new("mount");
        command.args(["-t", "ext4", "-o", "loop,nosuid,nodev,noexec"]);
        run(command.arg(file).arg(folder))?;
        Ok(Self {
            folder: folder.into(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Unmounts it.
    ///
    /// # Errors
    /// When somebody still uses it.
    pub fn leave(self) -> Result<()> {
        run(Command::new("umount").arg(&self.folder))
    }
}

/// The daemon.
#[derive(Debug)]
pub struct RecordedDisk {
    shown: PathBuf,
    process: Process,
}

impl RecordedDisk {
    /// Shows the raw image `image` as a file in `folder` and records what is written to it in `log`.
    ///
    /// # Errors
    /// When Debian's `qemu-system-common` is missing, or the file does not appear.
    pub fn start(image: &Path, log: &Path, folder: &Path) -> Result<Self> {
        let shown = folder.join("shown");
        File::create(&shown)
            .and(File::create(log))
            .context("make the files")?;
        let mut command = Command::new("qemu-storage-daemon");
        let blockdev = |command: &mut Command, what: String| {
            command.args(["--blockdev", &what]);
        };
        blockdev(
            &mut command,
            format!(
                "driver=file,node-name=file,discard=unmap,filename={}",
                image.display()
            ),
        );
        blockdev(&mut command, "driver=raw,node-name=disk,file=file".into());
        blockdev(
            &mut command,
            format!("driver=file,node-name=record,filename={}", log.display()),
        );
        blockdev(
            &mut command,
            "driver=blklogwrites,node-name=recorded,file=disk,log=record".into(),
        );
        let export = format!(
            "type=fuse,id=shown,node-name=recorded,writable=on,mountpoint={}",
            shown.display()
        );
        let process = Process::spawn(command.args(["--export", &export]))
            .context("qemu-storage-daemon is in the Debian package qemu-system-common")?;
        let bytes = fs::metadata(image)?.len();
        let mut disk = Self { shown, process };
        let until = Instant::now() + SOON;
        while fs::metadata(&disk.shown)?.len() != bytes {
            ensure!(disk.process.is_running(), "qemu-storage-daemon has ended");
            ensure!(Instant::now() < until, "the recorded disk does not appear");
            std::thread::sleep(LOOK);
        }
        Ok(disk)
    }

    /// The file that is the disk.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.shown
    }

    /// Ends the recording in order; the record is whole then.
    ///
    /// # Errors
    /// When somebody still uses the disk.
    pub fn stop(mut self) -> Result<()> {
        self.process.ask_to_end()?;
        let status = self.process.wait(SOON)?;
        ensure!(status.success(), "qemu-storage-daemon ended with {status}");
        Ok(())
    }
}

fn run(command: &mut Command) -> Result<()> {
    let ended = command.output().with_context(|| format!("start {command:?}"))?;
    let told = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.success(), "{command:?} failed: {told}");
    Ok(())
}
