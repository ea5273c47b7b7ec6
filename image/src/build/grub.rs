//! GRUB for both firmwares: cores made by Debian's `grub-mkimage` with every module they need inside.
//!
//! Invariants: nothing is loaded but `grub.cfg`, from the medium or from the EFI system partition; the command line and the editor are behind
//! a user without a password; when anything fails the machine restarts instead of showing a shell. The cores
//! depend on Debian's modules and the two configurations alone.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

use crate::compression;
use crate::disk::layout::{BLOCK, IMAGE_DISK, Layout, Part};

mod bios;

/// Where Debian's `grub-pc-bin` and `grub-efi-amd64-bin` put modules and boot sectors.
pub const DEBIAN_GRUB: &str = "/usr/lib/grub";

/// Modules every core needs: the menu, the loader, the tests in the configuration.
const MODULES: &[&str] = &[
    "normal",
    "configfile",
    "linux",
    "test",
    "true",
    "serial",
    "terminal",
    "smbios",
    "regexp",
    "reboot",
    "echo",
    "sleep",
];
/// A core that starts from the medium.
const MEDIUM: &[&str] = &["iso9660"];
/// A core that starts from a disk: its partitions and file systems, the boot control.
const DISK: &[&str] = &["part_gpt", "fat", "ext2", "loadenv", "probe", "datehook"];
/// Disks as the BIOS shows them.
const BIOS: &[&str] = &["biosdisk"];
/// `loopback` finds the partitions of a disk whose table is damaged: a BIOS does not mend it, as UEFI firmware does.
const BIOS_DISK: &[&str] = &["biosdisk", "loopback"];
/// `efi_gop` hands the frame buffer to the kernel.
const EFI: &[&str] = &["efi_gop"];
/// `fat` and the partition tables let the core find the disk it was loaded from.
const EFI_MEDIUM: &[&str] = &["fat", "part_gpt", "part_msdos", "search", "search_fs_file"];

/// Run by the core itself, whose parser has no `if`. The root is the disk or partition the core was loaded from.
const START: &str = include_str!("grub/start.cfg");
/// The medium under UEFI: the core was loaded from the EFI system partition, the ISO around it is another device.
const START_MEDIUM_EFI: &str = include_str!("grub/start-medium-efi.cfg");

/// An installed disk under BIOS.
const START_DISK_BIOS: &str = include_str!("grub/start-disk-bios.cfg");

/// Directory of the configuration on the medium.
const MEDIUM_PREFIX: &str = "/boot";
/// Directory of the configuration on the EFI system partition of the disk the core was loaded from: under BIOS that is another
/// partition, under UEFI the same.
const DISK_PREFIX: &str = "(,gpt2)/sps";

/// The cores and boot sectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grub {
    /// El Torito image for BIOS: `cdboot.img` and the core.
    pub bios: Vec<u8>,
    /// `BOOTX64.EFI` of the medium.
    pub efi: Vec<u8>,
    /// `boot_hybrid.img`.
    pub boot_code: Vec<u8>,
    /// What starts an installed disk.
    pub disk: DiskGrub,
}

/// The boot loader of an installed disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskGrub {
    /// `boot.img`, 512 bytes: loads the core from the disk's first partition.
    pub boot: Vec<u8>,
    /// The content of that partition.
    pub core: Vec<u8>,
    /// `BOOTX64.EFI`, compressed: a quarter of its bytes.
    pub efi: Vec<u8>,
}

/// Why GRUB could not be made.
#[derive(Debug, Error)]
pub enum GrubError {
    /// A file of Debian's packages is missing.
    #[error("cannot read {path}: install Debian's {package}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The package it belongs to.
        package: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// `grub-mkimage` could not be started.
    #[error("cannot run grub-mkimage: install Debian's grub-common")]
    Run(#[source] io::Error),
    /// `grub-mkimage` failed.
    #[error("grub-mkimage failed for {core}: {message}")]
    Failed {
        /// Which core.
        core: &'static str,
        /// What it printed.
        message: String,
    },
    /// A scratch file for `grub-mkimage` could not be used.
    #[error("cannot use the scratch file {path}")]
    Scratch {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The compressor failed.
    #[error("cannot compress {core}")]
    Compress {
        /// Which core.
        core: &'static str,
        /// What the compressor said.
        source: io::Error,
    },
    /// A boot sector or core is not as GRUB 2 makes them.
    #[error("GRUB's {name} is not as expected: {reason}")]
    Unexpected {
        /// The file.
        name: &'static str,
        /// What is not.
        reason: String,
    },
}

/// What `grub-mkimage` is asked for.
struct Core {
    name: &'static str,
    format: &'static str,
    directory: &'static str,
    package: &'static str,
    modules: [&'static [&'static str]; 3],
    prefix: &'static str,
    start: &'static str,
}

const MEDIUM_BIOS_CORE: Core = Core {
    name: "medium-bios",
    format: "i386-pc-eltorito",
    directory: "i386-pc",
    package: "grub-pc-bin",
    modules: [MODULES, MEDIUM, BIOS],
    prefix: MEDIUM_PREFIX,
    start: START,
};

const MEDIUM_EFI_CORE: Core = Core {
    name: "medium-efi",
    format: "x86_64-efi",
    directory: "x86_64-efi",
    package: "grub-efi-amd64-bin",
    modules: [MODULES, MEDIUM, EFI_MEDIUM],
    prefix: MEDIUM_PREFIX,
    start: START_MEDIUM_EFI,
};

const DISK_BIOS_CORE: Core = Core {
    name: "disk-bios",
    format: "i386-pc",
    directory: "i386-pc",
    package: "grub-pc-bin",
    modules: [MODULES, DISK, BIOS_DISK],
    prefix: DISK_PREFIX,
    start: START_DISK_BIOS,
};

const DISK_EFI_CORE: Core = Core {
    name: "disk-efi",
    format: "x86_64-efi",
    directory: "x86_64-efi",
    package: "grub-efi-amd64-bin",
    modules: [MODULES, DISK, EFI],
    prefix: DISK_PREFIX,
    start: START,
};

const CORES: [&Core; 4] = [
    &MEDIUM_BIOS_CORE,
    &MEDIUM_EFI_CORE,
    &DISK_BIOS_CORE,
    &DISK_EFI_CORE,
];

/// Makes the cores from the modules under `grub` (see [`DEBIAN_GRUB`]) with scratch files in `scratch`, which
/// must be the caller's own.
///
/// # Errors
/// When a Debian package is missing or `grub-mkimage` fails.
pub fn build(grub: &Path, scratch: &Path) -> Result<Grub, GrubError> {
    let sector = |name: &str| {
        let path = grub.join(MEDIUM_BIOS_CORE.directory).join(name);
        std::fs::read(&path).map_err(missing(&path, MEDIUM_BIOS_CORE.package))
    };
    Ok(Grub {
        boot_code: sector("boot_hybrid.img")?,
        bios: core(&MEDIUM_BIOS_CORE, grub, scratch)?,
        efi: core(&MEDIUM_EFI_CORE, grub, scratch)?,
        disk: DiskGrub {
            boot: bios::boot_sector(sector("boot.img")?)?,
            core: bios::core(core(&DISK_BIOS_CORE, grub, scratch)?)?,
            efi: packed_core(&DISK_EFI_CORE, grub, scratch)?,
        },
    })
}

fn missing(path: &Path, package: &'static str) -> impl FnOnce(io::Error) -> GrubError + use<> {
    let path = path.to_owned();
    move |source| GrubError::Missing {
        path,
        package,
        source,
    }
}

/// Everything [`build`] depends on, for a cache key: the modules of both platforms, sorted by name, and the recipe.
///
/// # Errors
/// When a Debian package is missing.
pub fn ingredients(grub: &Path) -> Result<Vec<(String, Vec<u8>)>, GrubError> {
    let mut files = Vec::new();
    for platform in [&MEDIUM_BIOS_CORE, &MEDIUM_EFI_CORE] {
        let directory = grub.join(platform.directory);
        let failed = |path: &Path| missing(path, platform.package);
        for entry in std::fs::read_dir(&directory).map_err(failed(&directory))? {
            let path = entry.map_err(failed(&directory))?.path();
            // Such as `monolithic`, the loaders Debian makes itself.
            if path.is_dir() {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{}/{name}", platform.directory);
            files.push((name, std::fs::read(&path).map_err(failed(&path))?));
        }
    }
    for core in CORES {
        let recipe = format!(
            "{} {:?} {} {} {}",
            core.format,
            core.modules,
            core.prefix,
            placed(core.start),
            bios::RECIPE
        );
        files.push((format!("{} recipe", core.name), recipe.into_bytes()));
    }
    files.push(("compression".to_owned(), compression::recipe().into_bytes()));
    files.sort();
    Ok(files)
}

/// A core that is unpacked when a disk is made.
fn packed_core(which: &Core, grub: &Path, scratch: &Path) -> Result<Vec<u8>, GrubError> {
    let bytes = core(which, grub, scratch)?;
    compression::pack(&bytes).map_err(|source| GrubError::Compress {
        core: which.name,
        source,
    })
}

/// A configuration with the places of the partitions, which are the same on every disk, as GRUB's lists of blocks.
fn placed(start: &str) -> String {
    let place = |part| {
        let blocks = Layout::for_size(IMAGE_DISK).map(|layout| {
            let extent = layout.extent(part);
            format!("{}+{}", extent.offset / BLOCK, extent.size / BLOCK)
        });
        blocks.unwrap_or_default()
    };
    start
        .replace("@ESP@", &place(Part::Esp))
        .replace("@BOOT@", &place(Part::Boot))
}

fn core(core: &Core, grub: &Path, scratch: &Path) -> Result<Vec<u8>, GrubError> {
    let directory = grub.join(core.directory);
    let list = directory.join("moddep.lst");
    std::fs::metadata(&list).map_err(missing(&list, core.package))?;
    let start = scratch.join(format!("{}.cfg", core.name));
    let output = scratch.join(format!("{}.img", core.name));
    std::fs::write(&start, placed(core.start)).map_err(|source| GrubError::Scratch {
        path: start.clone(),
        source,
    })?;
    run(core, &directory, &start, &output)?;
    std::fs::read(&output).map_err(|source| GrubError::Scratch { path: output, source })
}

fn run(core: &Core, directory: &Path, start: &Path, output: &Path) -> Result<(), GrubError> {
    let result = Command::new("grub-mkimage")
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .arg("--directory")
        .arg(directory)
        .args(["--format", core.format, "--prefix", core.prefix])
        .arg("--config")
        .arg(start)
        .arg("--output")
        .arg(output)
        .args(core.modules.iter().copied().flatten())
        .output()
        .map_err(GrubError::Run)?;
    if result.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&result.stderr).trim().to_owned();
    Err(GrubError::Failed {
        core: core.name,
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_found_without_a_table() {
        let start = placed(START_DISK_BIOS);
        assert!(start.contains("loopback esp ($disk)6144+262144\n"), "{start}");
        assert!(start.contains("loopback boot ($disk)268288+1048576\n"), "{start}");
    }
}
