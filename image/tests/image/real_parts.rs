//! The parts that come from Debian's packages: boot loader and microcode of this machine.

use std::path::Path;

use sps_image::archive::{self, Kind};
use sps_image::build::{grub, microcode};

/// Leaves half of the 32 MB an ISO may have to everything else; today it is 14.9 MB.
const MOST_MICROCODE: usize = 16_000_000;

#[test]
fn the_boot_loader_is_the_same_every_time_and_fits() {
    let build = || {
        let scratch = tempfile::tempdir().unwrap();
        grub::build(Path::new(grub::DEBIAN_GRUB), scratch.path()).unwrap()
    };
    let loader = build();
    assert!(loader == build(), "two builds differ");
    assert_eq!(loader.boot_code.len(), 512);
    assert!(loader.efi.starts_with(b"MZ"));
    // The BIOS loads the core below 640 KiB.
    assert!(loader.bios.len() < 480 * 1024, "{} bytes", loader.bios.len());
}

#[test]
fn a_missing_package_is_named() {
    let (empty, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let error = grub::build(empty.path(), scratch.path()).unwrap_err().to_string();
    assert!(error.contains("grub-pc-bin"), "{error}");
}

#[test]
fn the_microcode_of_both_makers_is_packed() {
    let packed = microcode::build(Path::new(microcode::DEBIAN_FIRMWARE)).unwrap();
    assert!(packed.len() < MOST_MICROCODE, "{} bytes", packed.len());
    let tree = archive::read(&packed).unwrap();
    for (maker, least) in [("GenuineIntel", 5_000_000), ("AuthenticAMD", 50_000)] {
        let path = format!("kernel/x86/microcode/{maker}.bin");
        let Kind::File(content) = &tree[&path].kind else {
            panic!("{path} is no file")
        };
        assert!(content.len() > least, "{maker}: {} bytes", content.len());
    }
}
