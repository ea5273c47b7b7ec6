//! An installed disk between its boots: made, booted once, looked at, damaged.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sps_harness::{Bus, Disk, Firmware, Guest, Machine, Nic, Testbed};
use sps_image::disk::file_extents;
use sps_image::disk::layout::{Layout, Part};
use sps_image::disk::read::{self, Found};
use sps_image::source::{Extent, FileSource, Section};

use crate::appliance::{BOOT, SOON};
use crate::operator::Operator;

/// Bytes of the disk.
const DISK: u64 = 4 << 30;
/// Bytes compared or written at once.
const PIECE: u64 = 1 << 20;

/// The disk.
#[derive(Clone, Debug)]
pub struct Installed {
    path: PathBuf,
}

impl Installed {
    /// One that was never booted.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn fresh(bed: &Testbed) -> Result<Self> {
        let path = bed.files().join("disk");
        Firmware::built()?.install(&path, DISK, bed.files())?;
        Ok(Self { path })
    }

    /// One whose first boot is done, with [`PASSWORD`](crate::PASSWORD) for the console.
    ///
    /// # Errors
    /// When it does not become healthy.
    pub fn used(bed: &Testbed) -> Result<Self> {
        let disk = Self::fresh(bed)?;
        let guest = bed.start("first", disk.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        Operator::log_in(&guest)?.type_line("0")?;
        power_off(guest)?;
        Ok(disk)
    }

    /// One with this firmware, whose first boot is done.
    ///
    /// # Errors
    /// When it cannot be made, or does not become healthy.
    pub fn of(bed: &Testbed, firmware: &Firmware) -> Result<Self> {
        let path = bed.files().join("disk");
        firmware.install(&path, DISK, bed.files())?;
        let disk = Self { path };
        let guest = bed.start("first", disk.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        power_off(guest)?;
        Ok(disk)
    }

    /// Looks at `data`, or changes it, as it lies on the disk between two boots. Needs root: it is mounted.
    ///
    /// # Errors
    /// When it cannot be mounted, or the work fails.
    pub fn with_data<T>(&self, work: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        let place = self.partition(Part::Data)?;
        let folder = self.path.with_file_name("mounted");
        std::fs::create_dir_all(&folder)?;
        let options = format!("loop,offset={},sizelimit={}", place.offset, place.size);
        let run = |command: &mut Command| -> Result<()> {
            let ended = command.status()?;
            ensure!(ended.success(), "{command:?} failed");
            Ok(())
        };
        run(Command::new("mount")
            .args(["-t", "ext4", "-o", &options])
            .arg(&self.path)
            .arg(&folder))?;
        let done = work(&folder);
        run(Command::new("umount").arg(&folder))?;
        done
    }

    /// A copy in another file.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn copy(&self, name: &str) -> Result<Self> {
        let path = self.path.with_file_name(name);
        let copied = Command::new("cp")
            .arg("--sparse=always")
            .arg(&self.path)
            .arg(&path)
            .status()?;
        ensure!(copied.success(), "could not copy {}", self.path.display());
        Ok(Self { path })
    }

    /// The image file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It as a disk `vda`.
    #[must_use]
    pub fn disk(&self) -> Disk {
        Disk::new(&self.path, Bus::Virtio)
    }

    /// A machine with it alone, a hardware watchdog, and a card with the ports of SSH and of the boot page forwarded.
    #[must_use]
    pub fn machine(&self) -> Machine {
        let card = Nic::user().forward(22).forward(443);
        Machine::new().watchdog().nic(card).disk(self.disk())
    }

    /// Makes it larger, as an administrator does in a hypervisor.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn enlarge(&self, bytes: u64) -> Result<()> {
        self.open()?.set_len(bytes).context("enlarge the disk")
    }

    /// Its partition table, and what the copies of that are worth.
    ///
    /// # Errors
    /// When there is none that can be believed.
    pub fn table(&self) -> Result<Found> {
        Ok(read::read(&FileSource::new(File::open(&self.path)?)?)?)
    }

    /// Where a partition lies.
    ///
    /// # Errors
    /// Never for a disk of this size.
    pub fn partition(&self, part: Part) -> Result<Extent> {
        Ok(Layout::for_size(DISK)?.extent(part))
    }

    /// Where a file of the EFI system partition lies on the disk.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn loader_file(&self, name: &str) -> Result<Vec<Extent>> {
        let esp = self.partition(Part::Esp)?;
        let disk = FileSource::new(File::open(&self.path)?)?;
        let places = file_extents::find(&Section::new(disk, esp), name)?;
        let on_disk = |place: Extent| Extent {
            offset: esp.offset + place.offset,
            ..place
        };
        Ok(places.into_iter().map(on_disk).collect())
    }

    /// Writes rubbish over a place.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn spoil(&self, place: Extent) -> Result<()> {
        let file = self.open()?;
        let rubbish = vec![0xa5; usize::try_from(place.size.min(PIECE))?];
        for_pieces(place, |piece| {
            let bytes = &rubbish[..usize::try_from(piece.size)?];
            Ok(file.write_all_at(bytes, piece.offset)?)
        })
    }

    /// Makes a place a hole in the file, which reads as zeros.
    ///
    /// # Errors
    /// When that fails.
    pub fn clear(&self, place: Extent) -> Result<()> {
        let cleared = Command::new("fallocate")
            .arg("--punch-hole")
            .args(["--offset", &place.offset.to_string()])
            .args(["--length", &place.size.to_string()])
            .arg(&self.path)
            .status()?;
        ensure!(cleared.success(), "could not clear a part of the disk");
        Ok(())
    }

    /// Whether a place holds zeros alone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_clear(&self, place: Extent) -> Result<bool> {
        let file = File::open(&self.path)?;
        let mut clear = true;
        for_pieces(place, |piece| {
            clear &= bytes(&file, piece)?.iter().all(|byte| *byte == 0);
            Ok(())
        })?;
        Ok(clear)
    }

    /// Whether a place holds the same bytes here and on another disk.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn is_same(&self, other: &Self, place: Extent) -> Result<bool> {
        let (own, other) = (File::open(&self.path)?, File::open(&other.path)?);
        let mut same = true;
        for_pieces(place, |piece| {
            same &= bytes(&own, piece)? == bytes(&other, piece)?;
            Ok(())
        })?;
        Ok(same)
    }

    /// A file system of a partition as `debugfs` and `dumpe2fs` take it.
    ///
    /// # Errors
    /// Never for a disk of this size.
    pub fn file_system(&self, part: Part) -> Result<String> {
        let offset = self.partition(part)?.offset;
        Ok(format!("{}?offset={offset}", self.path.display()))
    }

    /// A line of the superblock of a partition's file system, by its name in `dumpe2fs -h`.
    ///
    /// # Errors
    /// When there is no file system or no such line.
    pub fn superblock(&self, part: Part, name: &str) -> Result<String> {
        let told = Command::new("dumpe2fs")
            .arg("-h")
            .arg(self.file_system(part)?)
            .output()?;
        ensure!(told.status.success(), "there is no file system: {told:?}");
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let line = line.and_then(|rest| rest.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
            .with_context(|| format!("the superblock has no {name:?}"))
    }

    /// Puts a file on `data`, as a recording would lie there.
    ///
    /// # Errors
    /// When the file system does not take it.
    pub fn put_on_data(&self, name: &str, content: &[u8]) -> Result<()> {
        let source = self.path.with_file_name(name);
        std::fs::write(&source, content)?;
        self.debugfs(&["-w"], &format!("write {} {name}", source.display()))?;
        ensure!(self.from_data(name)? == content, "data did not take {name}");
        Ok(())
    }

    /// The content of a file on `data`.
    ///
    /// # Errors
    /// When the file system cannot be read.
    pub fn from_data(&self, name: &str) -> Result<Vec<u8>> {
        self.debugfs(&[], &format!("cat {name}"))
    }

    fn debugfs(&self, options: &[&str], command: &str) -> Result<Vec<u8>> {
        let told = Command::new("debugfs")
            .args(options)
            .args(["-R", command])
            .arg(self.file_system(Part::Data)?)
            .output()?;
        ensure!(told.status.success(), "debugfs failed: {told:?}");
        Ok(told.stdout)
    }

    fn open(&self) -> Result<File> {
        OpenOptions::new()
            .write(true)
            .open(&self.path)
            .with_context(|| format!("open {}", self.path.display()))
    }
}

/// Presses the power button and waits until the machine is off, with its file systems in order.
///
/// # Errors
/// When it does not switch itself off, or something was still writing.
pub fn power_off(mut guest: Guest) -> Result<()> {
    guest.press_power_button()?;
    let status = guest.wait_exit(SOON)?;
    ensure!(status.success(), "QEMU ended with {status}");
    let busy = guest.serial().said("could not make /.* read-only")?;
    ensure!(!busy, "a file system was still written to");
    Ok(())
}

fn for_pieces(place: Extent, mut work: impl FnMut(Extent) -> Result<()>) -> Result<()> {
    let mut offset = place.offset;
    while offset < place.end() {
        let size = PIECE.min(place.end() - offset);
        work(Extent { offset, size })?;
        offset += size;
    }
    Ok(())
}

fn bytes(file: &File, place: Extent) -> Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(place.size)?];
    file.read_exact_at(&mut bytes, place.offset)?;
    Ok(bytes)
}
