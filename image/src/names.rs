//! Names of everything in a firmware ISO: the one place where they stand.
//!
//! Invariant: every name is valid for ISO 9660 level 2 as it is written (one dot, at most 30 characters), so that
//! no reader needs an extension to see it.

/// What the manifest must name as its product.
pub const PRODUCT: &str = "safeguard-appliance";
/// Volume identifier of the ISO.
pub const VOLUME: &str = "SPS_FIRMWARE";

/// The manifest.
pub const MANIFEST: &str = "firmware/manifest.json";
/// The signature over the exact bytes of the manifest.
pub const SIGNATURE: &str = "firmware/manifest.sig";

/// The kernel, a bzImage.
pub const KERNEL: &str = "firmware/vmlinuz";
/// The root file system: newc cpio, zstd.
pub const INITRAMFS: &str = "firmware/initramfs.zst";
/// The small signed file with version and test faults, as an archive of its own.
pub const RELEASE: &str = "firmware/release.cpio";
/// CPU microcode for the kernel's early loader; may be absent.
pub const MICROCODE: &str = "firmware/microcode.cpio";
/// The kernel's arguments: a GRUB environment block with the one variable `arguments`.
pub const KERNEL_ENVIRONMENT: &str = "firmware/kernel.env";
/// Software bill of materials, CycloneDX JSON.
pub const SBOM: &str = "firmware/sbom.json";
/// The menu of the medium.
pub const GRUB_CONFIG: &str = "boot/grub.cfg";
/// El Torito image for BIOS.
pub const BIOS_IMAGE: &str = "boot/bios.img";
/// El Torito image for UEFI: the EFI system partition.
pub const EFI_IMAGE: &str = "boot/efi.img";

/// GRUB's boot sector for a disk, 512 bytes.
pub const DISK_BOOT: &str = "boot/disk_boot.img";
/// GRUB's core for a disk: the content of its first partition.
pub const DISK_CORE: &str = "boot/disk_core.img";
/// GRUB for UEFI on a disk, compressed: [`crate::esp::loader`] reads it.
pub const DISK_EFI: &str = "boot/disk_efi.zst";
/// GRUB's configuration on a disk.
pub const DISK_GRUB_CONFIG: &str = "boot/disk_grub.cfg";

/// Payloads without which a firmware is refused.
pub const REQUIRED: &[&str] = &[
    BIOS_IMAGE,
    DISK_BOOT,
    DISK_CORE,
    DISK_EFI,
    DISK_GRUB_CONFIG,
    EFI_IMAGE,
    GRUB_CONFIG,
    INITRAMFS,
    KERNEL,
    KERNEL_ENVIRONMENT,
    RELEASE,
    SBOM,
];

/// Where [`RELEASE`] puts the release file in the running appliance, without leading slash.
pub const RELEASE_FILE: &str = "etc/sps/release.json";
/// Where [`RELEASE`] puts the signature over the release file.
pub const RELEASE_SIGNATURE: &str = "etc/sps/release.sig";
/// The public keys the running appliance trusts, without leading slash.
pub const TRUST_FILE: &str = "etc/sps/trust.json";
/// The public keys of the licences the running appliance accepts, without leading slash.
pub const LICENCE_TRUST_FILE: &str = "etc/sps/licence-trust.json";

/// The folder of an ISO whose files make a slot.
const SLOT_FOLDER: &str = "firmware/";

/// The name in a slot of a file of the ISO: what lies in the slots' folder goes into a slot under its last name.
#[must_use]
pub fn slot_name(name: &str) -> Option<&str> {
    name.strip_prefix(SLOT_FOLDER)
        .filter(|rest| !rest.is_empty() && !rest.contains('/'))
}

/// Longest component of a path: ISO 9660 level 2 (ECMA-119 10.2).
const MAX_COMPONENT: usize = 30;
/// Longest path accepted anywhere in an ISO.
pub(crate) const MAX_PATH: usize = 128;
/// The only folders a payload may lie in.
const FOLDERS: [&str; 2] = ["firmware", "boot"];

/// Whether a payload may have this name: relative, below `firmware/` or `boot/`, made of lower-case letters,
/// digits, `-`, `_` and at most one dot a component, and not the manifest or its signature.
#[must_use]
pub fn is_payload_name(name: &str) -> bool {
    let mut components = name.split('/');
    let folder = components.next().is_some_and(|first| FOLDERS.contains(&first));
    let rest: Vec<&str> = components.collect();
    let plain = !rest.is_empty() && rest.iter().all(|component| is_plain(component));
    folder && plain && name.len() <= MAX_PATH && name != MANIFEST && name != SIGNATURE
}

fn is_plain(component: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = component.as_bytes();
    bytes.len() <= MAX_COMPONENT
        && bytes.iter().copied().all(allowed)
        && alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes.iter().filter(|byte| **byte == b'.').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_names_are_payload_names() {
        for name in REQUIRED.iter().chain([&MICROCODE]) {
            assert!(is_payload_name(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        let long = format!("firmware/{}", "a".repeat(31));
        let bad = [
            "",
            "vmlinuz",
            "firmware",
            "firmware/",
            "/firmware/a",
            "firmware//a",
            "firmware/../a",
            "firmware/./a",
            "../firmware/a",
            "other/a",
            "firmware/A",
            "firmware/a b",
            "firmware/a\0",
            "firmware/.a",
            "firmware/a.",
            "firmware/a.b.c",
            "firmware/ä",
            "firmware\\a",
            MANIFEST,
            SIGNATURE,
            &long,
        ];
        for name in bad {
            assert!(!is_payload_name(name), "{name:?} was taken");
        }
    }
}
