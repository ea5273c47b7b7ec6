//! A disk in a process of its own (`qemu-nbd`), which can be frozen: requests are taken and never answered, as by a storage
//! network that has gone away, while machine and QEMU go on.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::media::{Bus, Disk};
use crate::process::Process;

/// The server; dropping it ends it.
#[derive(Debug)]
pub struct DiskServer {
    image: PathBuf,
    socket: PathBuf,
    process: Process,
}

impl DiskServer {
    /// Serves the raw image `image` at the unix socket `socket`, which appears a moment later: QEMU waits for it.
    ///
    /// # Errors
    /// When Debian's `qemu-utils` is missing.
    pub fn start(image: &Path, socket: &Path) -> Result<Self> {
        let mut command = Command::new("qemu-nbd");
        command
            .args(["--persistent", "--format=raw", "--discard=unmap"])
            .arg("--socket")
            .arg(socket)
            .arg(image);
        let process = Process::spawn(&mut command).context("qemu-nbd is in the Debian package qemu-utils")?;
        Ok(Self {
            image: image.to_owned(),
            socket: socket.to_owned(),
            process,
        })
    }

    /// The disk on `bus`.
    #[must_use]
    pub fn disk(&self, bus: Bus) -> Disk {
        Disk::new(&self.image, bus).served_at(&self.socket)
    }

    /// Answers nothing from now on.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn freeze(&self) -> Result<()> {
        self.process.stop()
    }

    /// Answers again, what waited first.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn thaw(&self) -> Result<()> {
        self.process.go_on()
    }
}
