//! `cargo xtask build-disk`: an installed disk as an image, for import into a hypervisor.
//!
//! Invariants: needs no root and boots nothing; the firmware decides every byte; the output folder gets finished files or none.

mod size;

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use sha2::{Digest, Sha256};
use sps_image::build::disk::assemble::{self, Disk};
use sps_image::build::disk::boot::Workshop;
use sps_image::build::disk::{ova, qcow2, raw, vmdk};
use sps_image::build::publish::Batch;
use sps_image::disk::layout::IMAGE_DISK;
use sps_image::hex::Sha256Digest;
use sps_image::keyfile;
use sps_image::keys::{SecretKey, Trust};
use sps_image::source::FileSource;

use crate::build_iso;
use crate::cache::{self, Lock};
use crate::progress::Step;
use crate::project::Project;

/// The `mke2fs.conf` of the appliance, relative to the top of the checkout.
const MKE2FS_CONFIGURATION: &str = "rootfs/etc/mke2fs.conf";

/// Builds an installed disk as an image: raw, qcow2, vmdk or ova
///
/// The disk is what the installer leaves: firmware in its first slot, boot loaders for BIOS and UEFI, no identity. At its first
/// boot the appliance makes its own identity and file systems, and at any boot it grows to the size of the disk.
/// Without --iso the firmware is built first, as a development build. Beside the image stands its checksum for `sha256sum -c`.
#[derive(Args, Debug)]
pub(crate) struct BuildDisk {
    /// The form of the image
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Format,
    /// Bytes of the virtual disk, such as 4GiB or 100GB; the image itself is as small as its content
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = size::parse)]
    size: u64,
    /// Firmware to install [default: the one of this checkout, built now]
    #[arg(long, value_name = "FILE")]
    iso: Option<PathBuf>,
    /// Public key of a release given by --iso [default: the development key]
    #[arg(long, value_name = "PUB", requires = "iso")]
    trust: Option<PathBuf>,
    /// Folder for the result [default: out/ in the checkout]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// A form of image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The disk byte for byte, as a sparse file
    Raw,
    /// QEMU, KVM, Proxmox, OpenStack
    Qcow2,
    /// VMware, as a stream-optimized disk
    Vmdk,
    /// A whole virtual machine for VMware and VirtualBox
    Ova,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Ova => "ova",
        })
    }
}

impl BuildDisk {
    /// An image of the usual size from the firmware of this checkout, for the benchmark.
    pub(crate) fn of_this_checkout(format: Format, out: &Path) -> Self {
        Self {
            format,
            size: IMAGE_DISK,
            iso: None,
            trust: None,
            out: Some(out.to_path_buf()),
        }
    }

    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let all = Step::quiet("build-disk");
        let (path, digest) = self.build(project)?;
        all.done();
        let meta = path
            .metadata()
            .with_context(|| format!("look at {}", path.display()))?;
        println!("path     {}", path.display());
        println!("size     {} bytes, {} on this disk", meta.len(), allocated(&meta));
        println!("sha256   {digest}");
        Ok(())
    }

    /// Builds the image and returns its path and digest.
    pub(crate) fn build(&self, project: &Project) -> Result<(PathBuf, Sha256Digest)> {
        let iso = match &self.iso {
            Some(iso) => iso.clone(),
            None => build_iso::development(project, &project.out())?.0,
        };
        let disk = self.assemble(project, &iso)?;
        let step = Step::quiet(format!("{} image", self.format));
        let written = self.publish(project, &disk)?;
        step.done();
        Ok(written)
    }

    fn assemble(&self, project: &Project, iso: &Path) -> Result<Disk> {
        let step = Step::quiet("disk");
        let trust = match &self.trust {
            Some(path) => keyfile::load_public(path).context("load the key of the release")?,
            None => SecretKey::development().public(),
        };
        let file = File::open(iso).with_context(|| format!("open {}", iso.display()))?;
        let source = FileSource::new(file).with_context(|| format!("read {}", iso.display()))?;
        let lock = Lock::take(&project.cache().join("disk"))?;
        let scratch = lock.scratch("boot")?;
        let configuration = project.root().join(MKE2FS_CONFIGURATION);
        let workshop = Workshop {
            scratch: scratch.path(),
            configuration: &configuration,
        };
        let disk = assemble::assemble(&source, &Trust::only(trust), self.size, &workshop)
            .with_context(|| format!("install {}", iso.display()))?;
        step.done();
        Ok(disk)
    }

    fn publish(&self, project: &Project, disk: &Disk) -> Result<(PathBuf, Sha256Digest)> {
        let name = build_iso::file_name(disk.release.version, disk.release.development);
        let file_name = format!("{name}.{}", self.format);
        let folder = self.out.clone().unwrap_or_else(|| project.out());
        let mut batch = Batch::new(&folder)?;
        let content = &disk.content;
        let digest = match self.format {
            Format::Raw => {
                batch.add(&file_name, |file| raw::write(content, file))?;
                raw_digest(project, disk)?
            }
            Format::Qcow2 => batch.add(&file_name, |file| hashed(file, |out| qcow2::write(content, out)))?,
            Format::Vmdk => batch.add(&file_name, |file| hashed(file, |out| vmdk::write(content, out)))?,
            Format::Ova => batch.add(&file_name, |file| {
                hashed(file, |out| ova::write(content, &disk.release, &name, out))
            })?,
        };
        let checksum = format!("{digest}  {file_name}\n");
        batch.add(&format!("{file_name}.sha256"), |file| {
            file.write_all(checksum.as_bytes())
        })?;
        batch.finish()?;
        Ok((folder.join(file_name), digest))
    }
}

/// The digest of 4 GiB takes longer than all the rest, so it is kept by what is on the disk.
fn raw_digest(project: &Project, disk: &Disk) -> Result<Sha256Digest> {
    let name = format!("raw-{}.sha256", disk.content.fingerprint());
    let path = project.cache().join("disk").join(name);
    let kept = std::fs::read_to_string(&path).ok();
    if let Some(digest) = kept.and_then(|text| Sha256Digest::try_from(text).ok()) {
        return Ok(digest);
    }
    let digest = raw::digest(&disk.content).context("hash the disk")?;
    cache::write_file(&path, digest.to_string().as_bytes())?;
    Ok(digest)
}

/// Bytes of the file that take room.
fn allocated(meta: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    // stat(2): in units of 512 bytes.
    meta.blocks() * 512
}

/// Writes through a buffer and returns the SHA-256 of what was written.
fn hashed(file: &mut File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Sha256Digest> {
    let mut output = Hashed {
        hasher: Sha256::new(),
        file: BufWriter::new(file),
    };
    write(&mut output)?;
    output.file.flush()?;
    Ok(Sha256Digest::new(output.hasher.finalize().into()))
}

struct Hashed<'a> {
    hasher: Sha256,
    file: BufWriter<&'a mut File>,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
