//! A disk of this machine's own whose writes are recorded: a raw image behind `qemu-storage-daemon`, which shows it as a file (FUSE)
//! and records requests as [`crate::WriteLog`] reads them, and a loop device on that file. Needs root.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Longest wait for the daemon to end.
const SOON: Duration = Duration::from_secs(20);

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

/// The daemon; dropping it ends it.
#[derive(Debug)]
pub struct RecordedDisk {
    shown: PathBuf,
    process: OwnedFd,
}

impl RecordedDisk {
    /// Shows the raw image `image` as a file in `folder` and records what is written to it in `log`.
    ///
    /// # Errors
    /// When Debian's `qemu-system-common` is missing, or the file does not appear.
    pub fn start(image: &Path, log: &Path, folder: &Path) -> Result<Self> {
        let (shown, number) = (folder.join("shown"), folder.join("daemon.pid"));
        File::create(&shown)
            .and(File::create(log))
            .context("make the files")?;
        let mut command = Command::new("qemu-storage-daemon");
        for what in [
            format!(
                "driver=file,node-name=file,discard=unmap,filename={}",
                image.display()
            ),
            "driver=raw,node-name=disk,file=file".into(),
            format!("driver=file,node-name=record,filename={}", log.display()),
            "driver=blklogwrites,node-name=recorded,file=disk,log=record".into(),
        ] {
            command.args(["--blockdev", &what]);
        }
        let export = format!(
            "type=fuse,id=shown,node-name=recorded,writable=on,mountpoint={}",
            shown.display()
        );
        command.args(["--export", &export]).arg("--pidfile").arg(&number);
        // It goes into the background when everything is there.
        run(command.arg("--daemonize")).context("it is in the Debian package qemu-system-common")?;
        let number: i32 = fs::read_to_string(&number)?
            .trim()
            .parse()
            .context("its process")?;
        let number = Pid::from_raw(number).context("its process")?;
        let process = pidfd_open(number, PidfdFlags::empty()).context("watch it")?;
        Ok(Self { shown, process })
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
    pub fn stop(self) -> Result<()> {
        pidfd_send_signal(&self.process, Signal::TERM).context("end it")?;
        let mut watched = [PollFd::new(&self.process, PollFlags::IN)];
        let bound = Timespec::try_from(SOON).context("the timeout")?;
        let ended = poll(&mut watched, Some(&bound)).context("wait for it")?;
        ensure!(ended > 0, "qemu-storage-daemon does not end");
        Ok(())
    }
}

impl Drop for RecordedDisk {
    fn drop(&mut self) {
        // Fails only for a process that is gone already.
        let _gone = pidfd_send_signal(&self.process, Signal::KILL);
    }
}

fn run(command: &mut Command) -> Result<()> {
    let ended = command.output().with_context(|| format!("start {command:?}"))?;
    let told = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.success(), "{command:?} failed: {told}");
    Ok(())
}
