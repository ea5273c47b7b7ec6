//! A disk that is a sparse file behind a loop device.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use rustix::mount::{MountPropagationFlags, mount_change};
use sps_storage::disks::{self, Disk, Scope};
use tempfile::NamedTempFile;

thread_local! {
    static OWN_MOUNTS: () = take_own_mounts();
}

/// What this test mounts is seen by nobody else: a process elsewhere on the machine that makes a mount namespace of its own would take
/// a copy of every mount with it and keep the disk busy. Threads that the test starts inherit it.
fn take_own_mounts() {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).unwrap();
}

/// Detached when dropped.
pub(crate) struct LoopDisk {
    file: NamedTempFile,
    device: String,
}

impl LoopDisk {
    pub(crate) fn new(bytes: u64) -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests make loop devices: run them as root"
        );
        OWN_MOUNTS.with(|()| ());
        let file = NamedTempFile::new().unwrap();
        file.as_file().set_len(bytes).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let device = run("losetup", &["--find", "--show", &path]).trim().to_owned();
        Self { file, device }
    }

    pub(crate) fn path(&self) -> &Path {
        Path::new(&self.device)
    }

    /// As the product sees it now.
    pub(crate) fn disk(&self) -> Disk {
        let disks = disks::list(Scope::WithLoop);
        disks.into_iter().find(|disk| disk.path == self.path()).unwrap()
    }

    /// The file behind it.
    pub(crate) fn image(&self) -> &Path {
        self.file.path()
    }

    /// Writes behind the kernel's back, as a failing disk would.
    pub(crate) fn damage(&self, offset: u64, bytes: &[u8]) {
        let device = File::options().write(true).open(self.path()).unwrap();
        device.write_all_at(bytes, offset).unwrap();
        device.sync_all().unwrap();
    }

    pub(crate) fn grow(&self, bytes: u64) {
        self.file.as_file().set_len(bytes).unwrap();
        run("losetup", &["--set-capacity", &self.device]);
    }

    /// Makes the kernel forget the partitions, as a restart would.
    pub(crate) fn forget_partitions(&self) {
        run("partx", &["--delete", &self.device]);
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        let _partitions = Command::new("partx").args(["--delete", &self.device]).output();
        let _detached = Command::new("losetup").args(["--detach", &self.device]).output();
    }
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
