//! Every Debian package the project needs, and why: the one list.

/// What a machine is set up for; each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Purpose {
    /// Building the firmware ISO.
    Iso,
    /// That, and booting it under QEMU.
    Run,
    /// That, and every test, benchmark and the source bundle.
    All,
}

/// One Debian package.
#[derive(Clone, Copy, Debug)]
pub(super) struct Package {
    /// Its name.
    pub(super) name: &'static str,
    /// What stops working without it.
    pub(super) reason: &'static str,
    /// The first purpose that needs it.
    pub(super) purpose: Purpose,
    /// The program it is wanted for, when that may also come from elsewhere: a package of another maker may forbid Debian's.
    pub(super) program: Option<&'static str>,
}

const fn iso(name: &'static str, reason: &'static str) -> Package {
    Package {
        name,
        reason,
        purpose: Purpose::Iso,
        program: None,
    }
}

const fn run(name: &'static str, reason: &'static str) -> Package {
    Package {
        name,
        reason,
        purpose: Purpose::Run,
        program: None,
    }
}

const fn all(name: &'static str, reason: &'static str) -> Package {
    Package {
        name,
        reason,
        purpose: Purpose::All,
        program: None,
    }
}

/// A package that is not wanted where its program is there.
const fn program(name: &'static str, program: &'static str, reason: &'static str) -> Package {
    Package {
        program: Some(program),
        ..all(name, reason)
    }
}

/// The list.
pub(super) const PACKAGES: &[Package] = &[
    // kernel
    iso("linux-source-6.12", "the kernel's source"),
    iso("bc", "computes constants of the kernel's timers"),
    iso("bison", "parses the kernel's configuration language"),
    iso("flex", "parses the kernel's configuration language"),
    iso(
        "gcc",
        "compiles the kernel and C parts of Rust crates, links the binary",
    ),
    iso("kmod", "the kernel's build asks for depmod"),
    iso("libelf-dev", "objtool of the kernel's build"),
    iso("libssl-dev", "certificate tools of the kernel's build"),
    iso("make", "runs the kernel's build and this project's Makefile"),
    iso("perl", "generates parts of the kernel"),
    iso("xz-utils", "unpacks the kernel's source"),
    iso(
        "zstd",
        "compresses the kernel image; a second opinion on audit trails",
    ),
    // every build
    iso("git", "the date in the firmware is the commit's"),
    // binary
    iso("clang", "bindings of C libraries"),
    iso("cmake", "builds the cryptographic library"),
    iso("libc6-dev", "the static C library inside the binary"),
    iso("libclang-dev", "bindings of C libraries"),
    // image
    iso("amd64-microcode", "AMD processor microcode, loaded early"),
    iso("drbd-utils", "drbdsetup and drbdmeta of the appliance"),
    iso(
        "e2fsprogs",
        "mke2fs and e2fsck of the appliance; makes the slots of disk images",
    ),
    iso("grub-common", "grub-mkimage puts boot loaders together"),
    iso("grub-efi-amd64-bin", "boot loader modules for UEFI"),
    iso("grub-pc-bin", "boot loader modules for BIOS"),
    iso("intel-microcode", "Intel processor microcode, loaded early"),
    // guests
    run("ovmf", "UEFI firmware of guests"),
    run("qemu-system-x86", "runs guests"),
    run("qemu-utils", "disk images of guests"),
    // tests, benchmarks, source bundle
    all("binutils", "objcopy makes variants of the firmware for tests"),
    all("chromium", "the page tests' browser"),
    all("chromium-driver", "drives the page tests' browser"),
    all(
        "cpio",
        "second opinion on the initramfs; the comparison of the image benchmark",
    ),
    all("curl", "second opinion on the boot page"),
    all("dnsmasq-base", "the DHCP server of the network tests"),
    all(
        "dosfstools",
        "second opinion on the EFI system partition of disks",
    ),
    all("dpkg-dev", "fetches Debian source packages for the source bundle"),
    all("g++", "compiles the fuzz engine"),
    all("fdisk", "second opinion on partition tables"),
    all(
        "gdisk",
        "second opinion on partition tables; the comparison of the disk benchmark",
    ),
    all("genisoimage", "isoinfo: second opinion on the ISO"),
    all("iproute2", "network namespaces of the network tests"),
    all(
        "iptables",
        "the router in the tests of transparent mode, as its recipe says",
    ),
    all("libcap2", "library of the time server of the clock tests"),
    all("libedit2", "library of the time server of the clock tests"),
    all("libgnutls30", "library of the time server of the clock tests"),
    all("libnettle8", "library of the time server of the clock tests"),
    all("libseccomp2", "library of the time server of the clock tests"),
    all("libxml2-utils", "second opinion on the description in an OVA"),
    all(
        "mtools",
        "second opinion on the EFI system partition; the comparison of the disk benchmark",
    ),
    all("strace", "kills a reorganization at every system call"),
    all("nftables", "second opinion on the packet filter"),
    program("nodejs", "node", "runs the stories told by a browser"),
    program(
        "npm",
        "npm",
        "fetches the libraries of the stories told by a browser",
    ),
    all("openssh-client", "clients of the appliance's SSH service"),
    all(
        "libwrap0",
        "a library of sshd, the server behind the SSH proxy in its tests",
    ),
    all("ansible-core", "a client of the SSH proxy"),
    all("dropbear-bin", "a client of the SSH proxy"),
    all("putty-tools", "clients of the SSH proxy"),
    all("python3-asyncssh", "a client of the SSH proxy"),
    all("python3-paramiko", "a client of the SSH proxy"),
    all("rsync", "goes through the SSH proxy"),
    all("sshfs", "a client of the SSH proxy"),
    all("sshpass", "gives ansible a password"),
    all("openssl", "second opinion on certificates"),
    all("python3-venv", "runs the programs that judge the web interface"),
    all("tcpdump", "witness of the network tests"),
    all(
        "xorriso",
        "second opinion on the ISO; the comparison of the image benchmark",
    ),
];

/// What `purpose` needs.
pub(super) fn needed(purpose: Purpose) -> impl Iterator<Item = Package> {
    PACKAGES
        .iter()
        .copied()
        .filter(move |package| package.purpose <= purpose)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_package_stands_once_and_has_a_reason() {
        let names: BTreeSet<_> = PACKAGES.iter().map(|package| package.name).collect();
        assert_eq!(names.len(), PACKAGES.len());
        assert!(PACKAGES.iter().all(|package| package.reason.len() > 10));
    }

    #[test]
    fn purposes_include_each_other() {
        let count = |purpose| needed(purpose).count();
        assert!(count(Purpose::Iso) < count(Purpose::Run) && count(Purpose::Run) < count(Purpose::All));
    }
}
