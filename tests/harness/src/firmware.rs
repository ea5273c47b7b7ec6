//! The firmware under test: the ISO that was built, and variants of it made by a repack.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow};
use sps_image::build::disk::assemble;
use sps_image::build::disk::boot::Workshop;
use sps_image::build::disk::{ova, qcow2, raw, vmdk};
use sps_image::build::menus::KERNEL_ARGUMENTS;
use sps_image::build::repack::{self, Changes};
use sps_image::build::seal::{self, Payloads, Seal};
use sps_image::hex::Sha256Digest;
use sps_image::keys::{KEY_SIZE, SecretKey, Trust};
use sps_image::names;
use sps_image::release::Release;
use sps_image::source::{FileSource, Source};
use sps_image::verify::{self, Verified};

use crate::machine::DirectBoot;
use crate::testbed::repository;

/// Bytes of boot code at the start of a disk, before its signature and partition table.
const BOOT_CODE: usize = 440;

/// Seed of a key that no appliance trusts.
const SOMEBODY: [u8; KEY_SIZE] = [42; KEY_SIZE];

/// The ISO to boot: the file `SPS_ISO` names, else the newest `*.iso` in `out`.
///
/// # Errors
/// When there is none; the message says how to make one.
pub fn built_iso(out: &Path) -> Result<PathBuf> {
    if let Some(named) = env::var_os("SPS_ISO") {
        let named = PathBuf::from(named);
        return fs::canonicalize(&named).with_context(|| format!("SPS_ISO names {}", named.display()));
    }
    newest_iso(out)
}

fn newest_iso(out: &Path) -> Result<PathBuf> {
    let images = fs::read_dir(out)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let images = images.filter(|path| path.extension().is_some_and(|kind| kind == "iso"));
    let age = |path: &PathBuf| {
        fs::metadata(path)
            .and_then(|about| about.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH)
    };
    images.max_by_key(age).with_context(|| {
        format!(
            "no firmware in {}: run `make iso`, or name a file in SPS_ISO",
            out.display()
        )
    })
}

/// Name of the machine in an OVA.
const OVA_NAME: &str = "sps";

/// A format of an installed disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFormat {
    /// Byte for byte.
    Raw,
    /// QEMU's.
    Qcow2,
    /// VMware's, stream-optimized.
    Vmdk,
    /// A machine with a VMDK in a tar.
    Ova,
}

/// A development firmware.
#[derive(Debug)]
pub struct Firmware {
    iso: PathBuf,
    image: FileSource,
    verified: Verified,
}

impl Firmware {
    /// The firmware of this checkout; see [`built_iso`].
    ///
    /// # Errors
    /// When there is none, or it is no development build.
    pub fn built() -> Result<Self> {
        Self::open(&built_iso(&repository().join("out"))?)
    }

    /// The firmware `iso`, verified.
    ///
    /// # Errors
    /// When it cannot be read or is refused.
    pub fn open(iso: &Path) -> Result<Self> {
        let file = File::open(iso).with_context(|| format!("open {}", iso.display()))?;
        let image = FileSource::new(file).with_context(|| format!("read {}", iso.display()))?;
        let verified = verify::verify(&image, &development_keys())
            .with_context(|| format!("{} is no development build that can be tested", iso.display()))?;
        Ok(Self {
            iso: iso.to_owned(),
            image,
            verified,
        })
    }

    /// The ISO.
    #[must_use]
    pub fn iso(&self) -> &Path {
        &self.iso
    }

    /// What the ISO says it is.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.verified.release
    }

    /// Digest of its manifest: its name on the appliance.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn digest(&self) -> Result<Sha256Digest> {
        let extent = self.verified.files.files.get(names::MANIFEST);
        let extent = extent.context("the firmware has no manifest")?;
        let mut text = vec![0; usize::try_from(extent.size)?];
        self.image
            .read_at(extent.offset, &mut text)
            .context("read the manifest")?;
        Ok(Sha256Digest::of(&text))
    }

    /// Writes a variant to `path`.
    ///
    /// # Errors
    /// When a change breaks a rule or the file cannot be written.
    pub fn repack(&self, changes: &Changes, path: &Path) -> Result<Self> {
        self.repack_with(&SecretKey::development(), changes, path)?;
        Self::open(path)
    }

    /// Writes a variant to `path` that somebody else has signed.
    ///
    /// # Errors
    /// When a change breaks a rule or the file cannot be written.
    pub fn forge(&self, changes: &Changes, path: &Path) -> Result<()> {
        self.repack_with(&SecretKey::from_seed(&SOMEBODY), changes, path)
    }

    fn repack_with(&self, key: &SecretKey, changes: &Changes, path: &Path) -> Result<()> {
        let image = repack::repack(&self.image, &development_keys(), changes, key)
            .with_context(|| format!("repack {}", self.iso.display()))?;
        fs::write(path, image).with_context(|| format!("write {}", path.display()))
    }

    /// Writes the same firmware to `path` with a bit flipped in the middle of a payload.
    ///
    /// # Errors
    /// When there is no such payload or the file cannot be written.
    pub fn tamper(&self, name: &str, path: &Path) -> Result<()> {
        let extent = self.verified.files.files.get(name);
        let extent = extent.ok_or_else(|| anyhow!("the firmware has no {name}"))?;
        let place = usize::try_from(extent.offset + extent.size / 2).context("the payload's place")?;
        let mut image = fs::read(&self.iso).with_context(|| format!("read {}", self.iso.display()))?;
        image[place] ^= 1;
        fs::write(path, image).with_context(|| format!("write {}", path.display()))
    }

    /// Writes to `path` a disk of `bytes` on which this firmware is installed, as `cargo xtask build-disk` does;
    /// files on the way go to `folder`.
    ///
    /// # Errors
    /// When Debian's e2fsprogs are missing or a file cannot be written.
    pub fn install(&self, path: &Path, bytes: u64, folder: &Path) -> Result<()> {
        let disk = self.assemble(bytes, folder)?;
        let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
        raw::write(&disk.content, &file).with_context(|| format!("write {}", path.display()))
    }

    /// The same in a format of hypervisors, as `cargo xtask build-disk` writes it.
    ///
    /// # Errors
    /// As [`Self::install`].
    pub fn install_as(&self, format: DiskFormat, path: &Path, bytes: u64, folder: &Path) -> Result<()> {
        let disk = self.assemble(bytes, folder)?;
        let mut file = File::create(path).with_context(|| format!("create {}", path.display()))?;
        let written = match format {
            DiskFormat::Raw => raw::write(&disk.content, &file),
            DiskFormat::Qcow2 => qcow2::write(&disk.content, &mut file),
            DiskFormat::Vmdk => vmdk::write(&disk.content, &mut file),
            DiskFormat::Ova => ova::write(&disk.content, &disk.release, OVA_NAME, &mut file),
        };
        written.with_context(|| format!("write {}", path.display()))
    }

    fn assemble(&self, bytes: u64, folder: &Path) -> Result<assemble::Disk> {
        let configuration = repository().join("rootfs/etc/mke2fs.conf");
        let workshop = Workshop {
            scratch: folder,
            configuration: &configuration,
        };
        assemble::assemble(&self.image, &development_keys(), bytes, &workshop)
            .with_context(|| format!("install {}", self.iso.display()))
    }

    /// Writes to `path` the same firmware with another root file system, for measurements.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn with_initramfs(&self, initramfs: Vec<u8>, path: &Path) -> Result<Self> {
        let mut payloads = Payloads::new();
        for payload in &self.verified.manifest.payloads {
            payloads.insert(payload.name.clone(), self.payload(&payload.name)?);
        }
        payloads.insert(names::INITRAMFS.to_owned(), initramfs);
        let mut boot_code = vec![0; BOOT_CODE];
        self.image
            .read_at(0, &mut boot_code)
            .context("read the boot sector")?;
        let manifest = self.verified.manifest.clone();
        let key = SecretKey::development();
        let image = seal::seal(
            &Seal {
                manifest,
                boot_code: &boot_code,
                key: &key,
            },
            &payloads,
        );
        fs::write(path, image.context("seal the image")?)
            .with_context(|| format!("write {}", path.display()))?;
        Self::open(path)
    }

    /// Kernel, initramfs and command line for a boot past firmware and boot loader, with `faults` in its release
    /// file; files go to `folder`.
    ///
    /// # Errors
    /// When a fault has no valid name or a file cannot be written.
    pub fn direct(&self, faults: &[&str], folder: &Path) -> Result<DirectBoot> {
        let faults = faults.iter().map(|&fault| fault.to_owned()).collect();
        let release = Release {
            faults,
            ..self.release().clone()
        };
        let archive =
            seal::pack_release(&release, &SecretKey::development()).context("pack the release file")?;
        let initramfs = [archive, self.payload(names::INITRAMFS)?].concat();
        let place = |name: &str, content: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, content)
                .with_context(|| format!("write {}", path.display()))
                .map(|()| path)
        };
        Ok(DirectBoot {
            kernel: place("vmlinuz", &self.payload(names::KERNEL)?)?,
            initramfs: Some(place("initramfs", &initramfs)?),
            command_line: KERNEL_ARGUMENTS.to_owned(),
        })
    }

    /// The bytes of a payload.
    ///
    /// # Errors
    /// When the firmware has no such payload or it cannot be read.
    pub fn payload(&self, name: &str) -> Result<Vec<u8>> {
        let extent = self
            .verified
            .files
            .files
            .get(name)
            .ok_or_else(|| anyhow!("the firmware has no {name}"))?;
        let mut content = vec![0; usize::try_from(extent.size).context("the payload's size")?];
        self.image
            .read_at(extent.offset, &mut content)
            .with_context(|| format!("read {name}"))?;
        Ok(content)
    }
}

fn development_keys() -> Trust {
    Trust::only(SecretKey::development().public())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_firmware_says_how_to_make_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("firmware.iso.sha256"), "").unwrap();
        let error = newest_iso(folder.path()).unwrap_err().to_string();
        assert!(error.contains("make iso"), "{error}");
        assert!(newest_iso(&folder.path().join("missing")).is_err());
        fs::write(folder.path().join("firmware.iso"), "").unwrap();
        assert!(newest_iso(folder.path()).unwrap().ends_with("firmware.iso"));
        assert!(Firmware::open(&folder.path().join("firmware.iso")).is_err());
    }
}
