//! A firmware that is real in everything but what its payloads do.

use sps_image::build::bundle::{self, Description, Parts};
use sps_image::build::grub::{DiskGrub, Grub};
use sps_image::compression;
use sps_image::keys::{SecretKey, Trust};
use sps_image::version::Version;
use sps_storage::install::Firmware;

/// The ISO.
pub(crate) fn image() -> Vec<u8> {
    let parts = Parts {
        kernel: noise(1, 6_000_000),
        initramfs: noise(2, 20_000_001),
        microcode: Some(noise(3, 5_000)),
        sbom: b"{}\n".to_vec(),
        grub: Grub {
            bios: noise(4, 4_096),
            efi: noise(5, 9_000),
            boot_code: noise(6, 512),
            disk: DiskGrub {
                boot: noise(7, 512),
                core: noise(8, 130_000),
                efi: compression::pack(&noise(9, 400_001)).unwrap(),
            },
        },
    };
    let description = Description {
        version: Version::new(0, 1, 0),
        build_time: 1_700_000_000,
        firmware: bundle::Firmware {
            data_layout: 1,
            boot_protocol: 1,
            hardware: vec!["generic-x86-64".to_owned()],
            upgrade_from: Vec::new(),
            supported_until: None,
            upgrade_notes: String::new(),
            upgrade_news: String::new(),
        },
        faults: Vec::new(),
    };
    bundle::assemble(parts, &description, &SecretKey::development()).unwrap()
}

pub(crate) fn trust() -> Trust {
    Trust::only(SecretKey::development().public())
}

/// The ISO, verified.
pub(crate) fn firmware() -> Firmware {
    Firmware::open(&image(), &trust()).unwrap()
}

/// The same bytes at every run (Numerical Recipes' linear congruential generator).
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..size).map(|_| next()).collect()
}
