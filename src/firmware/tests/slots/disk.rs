//! An ext4 in a file and the bytes of an ESP beside it; both can be copied at any moment, as a power cut would leave
//! them: what the kernel has not written yet is not in the copy.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use sps_firmware::{ByteRange, PartitionStore};
use sps_image::boot_control::{Control, SIZE};

/// How long a file system may be busy after its last file was closed.
const BUSY: Duration = Duration::from_secs(30);
/// Where the copies of the boot control lie in the file that stands for the ESP.
const OFFSETS: [u64; 2] = [4096, 9216];
const ESP_SIZE: usize = 16 * 1024;

/// What a program says.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    child.wait_with_output().unwrap()
}

/// Runs a program, which must succeed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = output(program, arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// `boot` and ESP, not mounted.
pub(crate) struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// An empty `boot` of so many MiB with so many inodes, and this boot control.
    pub(crate) fn new(megabytes: u64, inodes: u32, control: &Control) -> Self {
        let disk = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let file = std::fs::File::create(disk.boot()).unwrap();
        file.set_len(megabytes << 20).unwrap();
        let inodes = inodes.to_string();
        let boot = disk.boot();
        // GRUB 2.06 knows neither of the two features.
        let features = "^metadata_csum_seed,^orphan_file";
        let path = boot.to_str().unwrap();
        run(
            "mke2fs",
            &["-q", "-F", "-t", "ext4", "-O", features, "-N", &inodes, path],
        );
        std::fs::write(disk.esp(), vec![0xee; ESP_SIZE]).unwrap();
        disk.write_copies([control.to_bytes(); 2]);
        let mounted = disk.mount();
        std::fs::create_dir(mounted.path().join("slots")).unwrap();
        std::fs::create_dir(disk.state()).unwrap();
        drop(mounted);
        disk
    }

    pub(crate) fn boot(&self) -> PathBuf {
        self.folder.path().join("boot.img")
    }

    pub(crate) fn esp(&self) -> PathBuf {
        self.folder.path().join("esp.img")
    }

    /// Stands for the mounted `state`: an ordinary folder will do.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn store(&self) -> PartitionStore {
        let [a, b] = OFFSETS.map(|offset| ByteRange {
            offset,
            length: SIZE as u64,
        });
        PartitionStore::open(&self.esp(), a, b).unwrap()
    }

    pub(crate) fn copies(&self) -> [[u8; SIZE]; 2] {
        let esp = std::fs::read(self.esp()).unwrap();
        OFFSETS.map(|offset| esp[offset as usize..offset as usize + SIZE].try_into().unwrap())
    }

    pub(crate) fn write_copies(&self, copies: [[u8; SIZE]; 2]) {
        let mut esp = std::fs::read(self.esp()).unwrap();
        for (offset, copy) in OFFSETS.into_iter().zip(copies) {
            esp[offset as usize..offset as usize + SIZE].copy_from_slice(&copy);
        }
        std::fs::write(self.esp(), esp).unwrap();
    }

    /// What is on the disk at this moment, mounted or not.
    pub(crate) fn copy(&self) -> Self {
        copy_of(self.folder.path())
    }

    /// Where [`copy_of`] finds it.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn mount(&self) -> Mounted {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests mount a file system: run them as root"
        );
        let point = tempfile::tempdir().unwrap();
        let (boot, path) = (self.boot(), point.path().to_owned());
        run(
            "mount",
            &["-o", "loop", boot.to_str().unwrap(), path.to_str().unwrap()],
        );
        Mounted { point }
    }
}

/// A copy of the disk in `folder`.
pub(crate) fn copy_of(folder: &Path) -> Disk {
    let copy = tempfile::tempdir().unwrap();
    let source = format!("{}/.", folder.display());
    run(
        "cp",
        &["-a", "--sparse=always", &source, copy.path().to_str().unwrap()],
    );
    Disk { folder: copy }
}

/// `boot`, mounted until dropped.
pub(crate) struct Mounted {
    point: tempfile::TempDir,
}

impl Mounted {
    pub(crate) fn path(&self) -> &Path {
        self.point.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A process that another test is starting holds every file of this one until its program begins.
        let deadline = Instant::now() + BUSY;
        while let Err(error) = unmount(self.point.path(), UnmountFlags::empty()) {
            if error != Errno::BUSY || Instant::now() > deadline {
                // A second panic would hide the first.
                assert!(
                    std::thread::panicking(),
                    "{}: {error}",
                    self.point.path().display()
                );
                return;
            }
            std::thread::yield_now();
        }
    }
}
