//! GRUB for both firmwares: cores made by Debian's `grub-mkimage` with every module they need inside.
//!
//! Invariants: nothing is loaded from the medium but `boot/grub.cfg`; the command line and the editor are behind
//! a user without a password; when anything fails the machine restarts instead of showing a shell. The cores
//! depend on Debian's modules and the two configurations alone.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

/// Where Debian's `grub-pc-bin` and `grub-efi-amd64-bin` put modules and boot sectors.
pub const DEBIAN_GRUB: &str = "/usr/lib/grub";

/// Modules both firmwares need: the file system of the ISO, the menu, the loader and the tests in `grub.cfg`.
const MODULES: &[&str] = &[
    "iso9660",
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
const BIOS_MODULES: &[&str] = &["biosdisk"];
/// `fat` and the partition tables let the core find the disk it was loaded from; `efi_gop` hands the frame
/// buffer to the kernel.
const EFI_MODULES: &[&str] = &[
    "fat",
    "part_gpt",
    "part_msdos",
    "search",
    "search_fs_file",
    "efi_gop",
];

/// Run by the core itself, whose parser has no `if`. BIOS: the root is the disk the core was loaded from.
const BIOS_START: &str = include_str!("grub-start-bios.cfg");
/// UEFI: the core was loaded from the EFI system partition, the ISO around it is another device.
const EFI_START: &str = include_str!("grub-start-efi.cfg");

/// The two cores and the boot sector for disks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grub {
    /// El Torito image for BIOS: `cdboot.img` and the core.
    pub bios: Vec<u8>,
    /// `BOOTX64.EFI`.
    pub efi: Vec<u8>,
    /// `boot_hybrid.img`.
    pub boot_code: Vec<u8>,
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
    #[error("grub-mkimage failed for {target}: {message}")]
    Failed {
        /// GRUB's name of the platform.
        target: &'static str,
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
}

/// One platform `grub-mkimage` builds for.
struct Target {
    format: &'static str,
    directory: &'static str,
    package: &'static str,
    modules: &'static [&'static str],
    start: &'static str,
}

const BIOS: Target = Target {
    format: "i386-pc-eltorito",
    directory: "i386-pc",
    package: "grub-pc-bin",
    modules: BIOS_MODULES,
    start: BIOS_START,
};

const EFI: Target = Target {
    format: "x86_64-efi",
    directory: "x86_64-efi",
    package: "grub-efi-amd64-bin",
    modules: EFI_MODULES,
    start: EFI_START,
};

/// Makes the cores from the modules under `grub` (see [`DEBIAN_GRUB`]) with scratch files in `scratch`, which
/// must be the caller's own.
///
/// # Errors
/// When a Debian package is missing or `grub-mkimage` fails.
pub fn build(grub: &Path, scratch: &Path) -> Result<Grub, GrubError> {
    let boot_code = grub.join("i386-pc/boot_hybrid.img");
    Ok(Grub {
        boot_code: std::fs::read(&boot_code).map_err(|source| GrubError::Missing {
            path: boot_code,
            package: BIOS.package,
            source,
        })?,
        bios: core(&BIOS, grub, scratch)?,
        efi: core(&EFI, grub, scratch)?,
    })
}

/// Everything [`build`] depends on, for a cache key: the modules of both platforms, sorted by name, and the recipe.
///
/// # Errors
/// When a Debian package is missing.
pub fn ingredients(grub: &Path) -> Result<Vec<(String, Vec<u8>)>, GrubError> {
    let mut files = Vec::new();
    for target in [&BIOS, &EFI] {
        let directory = grub.join(target.directory);
        let missing = |path: &Path| {
            let (path, package) = (path.to_owned(), target.package);
            move |source| GrubError::Missing {
                path,
                package,
                source,
            }
        };
        for entry in std::fs::read_dir(&directory).map_err(missing(&directory))? {
            let path = entry.map_err(missing(&directory))?.path();
            // Such as `monolithic`, the loaders Debian makes itself.
            if path.is_dir() {
                continue;
            }
            let name = format!(
                "{}/{}",
                target.directory,
                path.file_name().unwrap_or_default().to_string_lossy()
            );
            files.push((name, std::fs::read(&path).map_err(missing(&path))?));
        }
        let recipe = format!(
            "{} {MODULES:?} {:?} {}",
            target.format, target.modules, target.start
        );
        files.push((format!("{} recipe", target.directory), recipe.into_bytes()));
    }
    files.sort();
    Ok(files)
}

fn core(target: &Target, grub: &Path, scratch: &Path) -> Result<Vec<u8>, GrubError> {
    let directory = grub.join(target.directory);
    let list = directory.join("moddep.lst");
    if let Err(source) = std::fs::metadata(&list) {
        return Err(GrubError::Missing {
            path: list,
            package: target.package,
            source,
        });
    }
    let start = scratch.join(format!("{}.cfg", target.format));
    let output = scratch.join(format!("{}.img", target.format));
    std::fs::write(&start, target.start).map_err(|source| GrubError::Scratch {
        path: start.clone(),
        source,
    })?;
    run(target, &directory, &start, &output)?;
    std::fs::read(&output).map_err(|source| GrubError::Scratch { path: output, source })
}

fn run(target: &Target, directory: &Path, start: &Path, output: &Path) -> Result<(), GrubError> {
    let result = Command::new("grub-mkimage")
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .arg("--directory")
        .arg(directory)
        .args(["--format", target.format, "--prefix", "/boot"])
        .arg("--config")
        .arg(start)
        .arg("--output")
        .arg(output)
        .args(MODULES.iter().chain(target.modules))
        .output()
        .map_err(GrubError::Run)?;
    if result.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&result.stderr).trim().to_owned();
    Err(GrubError::Failed {
        target: target.format,
        message,
    })
}
