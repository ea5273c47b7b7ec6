//! What of Debian ends up inside the firmware: the one list for the bill of materials and the source bundle.

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

/// A Debian package of which a part is shipped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shipped {
    /// Package installed on the build machine.
    pub(crate) package: &'static str,
    /// What of it is in the image.
    pub(crate) part: &'static str,
    /// SPDX licence expression of that part, from the package's copyright file.
    pub(crate) licence: &'static str,
    /// Where its source comes from, when the licence owes it to whoever receives the image.
    pub(crate) owed: Owed,
}

/// How the source bundle gets a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    /// The licence asks for none.
    Nothing,
    /// The package is itself the source, installed under `/usr/src`.
    Installed,
    /// Fetched as a Debian source package.
    SourcePackage,
}

const fn shipped(package: &'static str, part: &'static str, licence: &'static str, owed: Owed) -> Shipped {
    Shipped {
        package,
        part,
        licence,
        owed,
    }
}

/// The list.
pub(crate) const SHIPPED: &[Shipped] = &[
    shipped(
        "drbd-utils",
        "drbdsetup and drbdmeta",
        "GPL-2.0-or-later",
        Owed::SourcePackage,
    ),
    shipped("e2fsprogs", "mke2fs, e2fsck", "GPL-2.0-only", Owed::SourcePackage),
    shipped(
        "libblkid1",
        "library of mke2fs and e2fsck",
        "LGPL-2.1-or-later",
        Owed::SourcePackage,
    ),
    shipped(
        "libc6",
        "C library of Debian's programs",
        "LGPL-2.1-or-later",
        Owed::SourcePackage,
    ),
    shipped(
        "libcom-err2",
        "library of mke2fs and e2fsck",
        "MIT",
        Owed::Nothing,
    ),
    shipped(
        "libext2fs2",
        "library of mke2fs and e2fsck",
        "LGPL-2.0-only",
        Owed::SourcePackage,
    ),
    shipped(
        "libuuid1",
        "library of mke2fs and e2fsck",
        "BSD-3-Clause",
        Owed::Nothing,
    ),
    shipped(
        "amd64-microcode",
        "microcode of AMD processors",
        "LicenseRef-amd-ucode",
        Owed::Nothing,
    ),
    shipped(
        "grub-efi-amd64-bin",
        "boot loader for UEFI",
        "GPL-3.0-or-later",
        Owed::SourcePackage,
    ),
    shipped(
        "grub-pc-bin",
        "boot loader for BIOS",
        "GPL-3.0-or-later",
        Owed::SourcePackage,
    ),
    shipped(
        "intel-microcode",
        "microcode of Intel processors",
        "LicenseRef-intel-ucode",
        Owed::Nothing,
    ),
    shipped(
        "libc6-dev",
        "C library, linked into sps",
        "LGPL-2.1-or-later",
        Owed::SourcePackage,
    ),
    shipped(
        "libgcc-12-dev",
        "unwinder, linked into sps",
        "GPL-3.0-or-later WITH GCC-exception-3.1",
        Owed::Nothing,
    ),
    shipped(
        "linux-source-6.12",
        "kernel",
        "GPL-2.0-only WITH Linux-syscall-note",
        Owed::Installed,
    ),
];

/// Version and source of an installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed {
    /// Version of the binary package.
    pub(crate) version: String,
    /// Architecture of the binary package.
    pub(crate) architecture: String,
    /// Name of the source package.
    pub(crate) source: String,
    /// Version of the source package.
    pub(crate) source_version: String,
}

/// Asks dpkg for the packages of [`SHIPPED`], in that order.
pub(crate) fn installed() -> Result<Vec<(Shipped, Installed)>> {
    let shell = Shell::new().context("open a shell")?;
    let format =
        "${db:Status-Abbrev}|${Package}|${Version}|${Architecture}|${source:Package}|${source:Version}\\n";
    let names = SHIPPED.iter().map(|shipped| shipped.package);
    let text = cmd!(shell, "dpkg-query -W -f {format} {names...}")
        .quiet()
        .ignore_stderr()
        .ignore_status()
        .read()
        .context("run dpkg-query: this build needs a Debian machine")?;
    SHIPPED
        .iter()
        .map(|shipped| Ok((*shipped, find(&text, shipped.package)?)))
        .collect()
}

fn find(text: &str, package: &str) -> Result<Installed> {
    for line in text.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [status, name, version, architecture, source, source_version] = fields[..] else {
            continue;
        };
        if name == package && status.starts_with("ii") {
            let own = |text: &str| text.to_owned();
            return Ok(Installed {
                version: own(version),
                architecture: own(architecture),
                source: own(source),
                source_version: own(source_version),
            });
        }
    }
    bail!(
        "the Debian package {package}, part of which is in the firmware, is missing: run `cargo xtask setup`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_installed_packages_are_found() {
        let text = "ii |a|1-2+b1|amd64|src|1-2\nrc |b|3|amd64|b|3\n";
        let found = find(text, "a").expect("a is installed");
        assert_eq!(
            (found.version.as_str(), found.source_version.as_str()),
            ("1-2+b1", "1-2")
        );
        let error = find(text, "b").expect_err("b was removed");
        assert!(error.to_string().contains("package b,"), "{error}");
    }
}
