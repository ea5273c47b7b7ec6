//! A disk with two slots and real GRUB, its boot control set at will.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use sps_image::boot_control::{Control, Copy};
use sps_image::build::bundle::{self, Description, Firmware, Parts};
use sps_image::build::disk::assemble;
use sps_image::build::disk::boot::Workshop;
use sps_image::build::disk::raw;
use sps_image::build::grub;
use sps_image::disk::file_extents;
use sps_image::disk::layout::{IMAGE_DISK, Layout, Part};
use sps_image::esp;
use sps_image::keys::{SecretKey, Trust};
use sps_image::source::{Extent, FileSource, Section};
use sps_image::version::Version;

use crate::kernel;

/// A raw image of a test's own.
pub(crate) struct Disk {
    pub(crate) path: PathBuf,
}

impl Disk {
    /// A copy of the disk that all tests start from.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        static BASE: OnceLock<tempfile::TempDir> = OnceLock::new();
        let base = BASE.get_or_init(|| base().expect("a disk to start from"));
        let path = folder.join("disk.raw");
        let from = base.path().join("disk.raw");
        run(Command::new("cp").arg("--sparse=always").arg(from).arg(&path))?;
        Ok(Self { path })
    }

    fn copy(&self, copy: Copy) -> Result<Extent> {
        let place = place(Part::Esp);
        let file = FileSource::new(File::open(&self.path)?)?;
        let extents = file_extents::find(&Section::new(file, place), esp::control_path(copy))?;
        let [extent] = extents[..] else {
            anyhow::bail!("{extents:?}")
        };
        Ok(Extent {
            offset: place.offset + extent.offset,
            size: extent.size,
        })
    }

    /// Writes a copy of the control.
    pub(crate) fn write(&self, copy: Copy, bytes: &[u8]) -> Result<()> {
        let file = File::options().write(true).open(&self.path)?;
        Ok(file.write_all_at(bytes, self.copy(copy)?.offset)?)
    }

    /// Reads a copy of the control.
    pub(crate) fn read(&self, copy: Copy) -> Result<Vec<u8>> {
        let extent = self.copy(copy)?;
        let mut bytes = vec![0; extent.size as usize];
        File::open(&self.path)?.read_exact_at(&mut bytes, extent.offset)?;
        Ok(bytes)
    }

    /// Takes the file system of the slots away: its superblock is gone.
    pub(crate) fn erase_slots(&self) -> Result<()> {
        let file = File::options().write(true).open(&self.path)?;
        Ok(file.write_all_at(&[0; 4096], place(Part::Boot).offset)?)
    }

    /// Sets both copies.
    pub(crate) fn set(&self, control: &Control) -> Result<()> {
        Copy::BOTH
            .into_iter()
            .try_for_each(|copy| self.write(copy, &control.to_bytes()))
    }
}

fn place(part: Part) -> Extent {
    Layout::for_size(IMAGE_DISK).expect("large enough").extent(part)
}

/// A disk with the same firmware in slots 1 and 2; slot 3 has everything but a kernel that can be started.
fn base() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rootfs/etc/mke2fs.conf");
    let key = SecretKey::development();
    let iso = bundle::assemble(parts(folder.path())?, &description(), &key)?;
    let workshop = Workshop {
        scratch: folder.path(),
        configuration: &configuration,
    };
    let disk = assemble::assemble(&iso, &Trust::only(key.public()), IMAGE_DISK, &workshop)?;
    let path = folder.path().join("disk.raw");
    raw::write(&disk.content, &File::create(&path)?)?;
    let boot = folder.path().join("boot.ext4");
    let commands = folder.path().join("commands");
    fs::write(&commands, more_slots(&boot, folder.path())?)?;
    run(Command::new("/usr/sbin/debugfs")
        .arg("-w")
        .arg("-f")
        .arg(&commands)
        .arg(&boot))?;
    let content = fs::read(&boot)?;
    File::options()
        .write(true)
        .open(&path)?
        .write_all_at(&content, place(Part::Boot).offset)?;
    Ok(folder)
}

/// Commands for debugfs that copy slot 1 to 2 and 3, without a kernel to 3.
fn more_slots(boot: &Path, folder: &Path) -> Result<String> {
    let files = folder.join("slot");
    fs::create_dir_all(&files)?;
    run(Command::new("/usr/sbin/debugfs")
        .arg("-R")
        .arg(format!("rdump slots/1 {}", files.display()))
        .arg(boot))?;
    fs::write(files.join("nothing"), "not a kernel")?;
    let mut commands = String::new();
    for entry in fs::read_dir(files.join("1"))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let from = path.display();
        let broken = files.join("nothing");
        let third = if name == "vmlinuz" {
            broken.display()
        } else {
            path.display()
        };
        commands.push_str(&format!(
            "write {from} slots/2/{name}\nwrite {third} slots/3/{name}\n"
        ));
    }
    Ok(commands)
}

fn parts(scratch: &Path) -> Result<Parts> {
    Ok(Parts {
        kernel: kernel::image(),
        initramfs: vec![1; 5_000],
        microcode: Some(vec![2; 5_000]),
        sbom: b"{}\n".to_vec(),
        grub: grub::build(Path::new(grub::DEBIAN_GRUB), scratch)?,
    })
}

fn description() -> Description {
    Description {
        version: Version::new(0, 1, 0),
        build_time: 1_700_000_000,
        firmware: Firmware {
            data_layout: 1,
            boot_protocol: 1,
            hardware: vec!["generic-x86-64".to_owned()],
            upgrade_from: Vec::new(),
            supported_until: None,
            upgrade_notes: String::new(),
            upgrade_news: String::new(),
        },
        faults: Vec::new(),
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("run {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
