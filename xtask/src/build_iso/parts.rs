//! Everything that goes into an ISO; what is slow to make is kept in the cache by the hash of what it is made of.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sps_image::archive::{self, Entry, Kind as ArchiveKind};
use sps_image::build::bundle::{Description, Parts};
use sps_image::build::grub::{self, DiskGrub, Grub};
use sps_image::build::rootfs::{self, Inputs};
use sps_image::build::{initramfs, microcode};
use sps_image::hex::{DIGEST_SIZE, Sha256Digest};
use sps_image::keys::Trust;
use sps_licence::Keys;

use crate::cache::{self, Lock};
use crate::digest::Key;
use crate::kernel::{self, Variant};
use crate::progress::Step;
use crate::project::Project;
use crate::{binary, helpers, sbom};

/// Names in the cached archive of the boot loader.
const BIOS: &str = "bios.img";
const EFI: &str = "bootx64.efi";
const BOOT_CODE: &str = "boot_hybrid.img";
const DISK_BOOT: &str = "disk-boot.img";
const DISK_CORE: &str = "disk-core.img";
const DISK_EFI: &str = "disk-bootx64.efi.zst";

/// The keys that the firmware trusts.
pub(super) struct Trusted {
    /// Of firmware.
    pub(super) firmware: Trust,
    /// Of licences.
    pub(super) licences: Keys,
}

/// Makes or finds every part.
pub(super) fn collect(project: &Project, trust: &Trusted, description: &Description) -> Result<Parts> {
    let kernel = kernel::ensure(project, Variant::Release)?;
    let binary = read(&binary::ensure(project)?)?;
    let cache = project.cache().join("image");
    let sbom = step("bill of materials", || {
        sbom::json(project, &description.version.to_string())
    })?;
    let initramfs = step("root file system", || {
        root_file_system(project, &cache, binary, trust)
    })?;
    let microcode = step("microcode", || cpu_microcode(&cache))?;
    let grub = step("boot loader", || boot_loader(&cache))?;
    Ok(Parts {
        kernel: read(&kernel.bzimage)?,
        initramfs,
        microcode: Some(microcode),
        sbom,
        grub,
    })
}

fn step<T>(name: &str, make: impl FnOnce() -> Result<T>) -> Result<T> {
    let step = Step::quiet(name);
    let made = make().with_context(|| name.to_owned())?;
    step.done();
    Ok(made)
}

fn root_file_system(project: &Project, cache: &Path, binary: Vec<u8>, trust: &Trusted) -> Result<Vec<u8>> {
    let mut inputs = Inputs::from([
        ("sps", binary),
        ("trust", trust.firmware.to_json()?.into_bytes()),
        ("licence-trust", trust.licences.trust().to_json()?.into_bytes()),
    ]);
    inputs.extend(helpers::read()?);
    let tree = rootfs::load(&project.root().join("rootfs"), &inputs)?;
    let archive = initramfs::archive(&tree)?;
    let mut key = Key::new("initramfs");
    key.add("recipe", initramfs::recipe()).add("archive", &archive);
    cached(&cache.join(format!("initramfs-{}.zst", key.finish())), || {
        Ok(initramfs::compress(&archive)?)
    })
}

fn cpu_microcode(cache: &Path) -> Result<Vec<u8>> {
    let sources = microcode::sources(Path::new(microcode::DEBIAN_FIRMWARE))?;
    let mut key = Key::new("microcode");
    for content in sources.contents() {
        key.add("file", content);
    }
    cached(&cache.join(format!("microcode-{}.cpio", key.finish())), || {
        Ok(microcode::pack(&sources)?)
    })
}

/// The cores depend on Debian's modules and on the recipe in the image crate.
fn boot_loader(cache: &Path) -> Result<Grub> {
    let modules = Path::new(grub::DEBIAN_GRUB);
    let mut key = Key::new("boot loader");
    for (name, content) in grub::ingredients(modules)? {
        key.add(&name, content);
    }
    let packed = cached(&cache.join(format!("grub-{}.cpio", key.finish())), || {
        let Grub {
            bios,
            efi,
            boot_code,
            disk,
        } = make_boot_loader(cache, modules)?;
        let files = [
            (BIOS, bios),
            (EFI, efi),
            (BOOT_CODE, boot_code),
            (DISK_BOOT, disk.boot),
            (DISK_CORE, disk.core),
            (DISK_EFI, disk.efi),
        ];
        let tree = files.map(|(name, content)| (name.to_owned(), Entry::file(content)));
        Ok(archive::write(&tree.into())?)
    })?;
    let mut tree = archive::read(&packed)?;
    let mut take = |name: &str| match tree.remove(name).map(|entry| entry.kind) {
        Some(ArchiveKind::File(content)) => Ok(content),
        _ => bail!(
            "the cache of the boot loader has no {name}: delete {}",
            cache.display()
        ),
    };
    Ok(Grub {
        bios: take(BIOS)?,
        efi: take(EFI)?,
        boot_code: take(BOOT_CODE)?,
        disk: DiskGrub {
            boot: take(DISK_BOOT)?,
            core: take(DISK_CORE)?,
            efi: take(DISK_EFI)?,
        },
    })
}

/// `grub-mkimage` wants files, which live in the cache while it runs.
fn make_boot_loader(cache: &Path, modules: &Path) -> Result<Grub> {
    let lock = Lock::take(&cache.join("grub"))?;
    let scratch = lock.scratch("cores")?;
    Ok(grub::build(modules, scratch.path())?)
}

/// The content kept at `path`, made and kept if it is not there or damaged. The file begins with the SHA-256 of
/// the rest; it appears whole, see [`cache::write_file`].
fn cached(path: &Path, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    if let Some(content) = fs::read(path).ok().and_then(intact) {
        return Ok(content);
    }
    let content = make()?;
    cache::write_file(
        path,
        &[Sha256Digest::of(&content).as_bytes(), content.as_slice()].concat(),
    )?;
    Ok(content)
}

fn intact(mut file: Vec<u8>) -> Option<Vec<u8>> {
    let content = (file.len() >= DIGEST_SIZE).then(|| file.split_off(DIGEST_SIZE))?;
    (file == Sha256Digest::of(&content).as_bytes()).then_some(content)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_cache_file_is_made_again() {
        let folder = std::env::temp_dir().join(format!("sps-parts-{}", std::process::id()));
        let path = folder.join("x");
        assert_eq!(cached(&path, || Ok(b"made".to_vec())).unwrap(), b"made");
        assert_eq!(cached(&path, || anyhow::bail!("made again")).unwrap(), b"made");
        for damaged in [&b""[..], b"short", &[0; 40]] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(cached(&path, || Ok(b"anew".to_vec())).unwrap(), b"anew");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
