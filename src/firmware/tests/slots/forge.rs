//! Small firmware that is real in everything but its payloads.

use std::sync::OnceLock;

use sps_image::build::bundle::{self, Description, Firmware, Parts};
use sps_image::build::grub::{DiskGrub, Grub};
use sps_image::build::repack::{Changes, repack};
use sps_image::build::seal::{self, Payloads, Seal};
use sps_image::compression;
use sps_image::keys::{SecretKey, Trust};
use sps_image::names;
use sps_image::source::{Extent, Source};
use sps_image::verify;
use sps_image::version::Version;

/// Reproducible noise: xorshift64* (Vigna 2016).
pub(crate) fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn parts(initramfs: Vec<u8>) -> Parts {
    Parts {
        kernel: noise(1, 40_000),
        initramfs,
        microcode: Some(noise(3, 5_000)),
        sbom: b"{}\n".to_vec(),
        grub: Grub {
            bios: noise(4, 4_096),
            efi: noise(5, 9_000),
            boot_code: noise(6, 512),
            disk: DiskGrub {
                boot: noise(7, 512),
                core: noise(8, 3_000),
                efi: compression::pack(&noise(9, 7_000)).unwrap(),
            },
        },
    }
}

fn description() -> Description {
    Description {
        version: Version::new(1, 1, 0),
        build_time: 1_700_000_000,
        firmware: Firmware {
            data_layout: 1,
            boot_protocol: 1,
            hardware: vec!["generic-x86-64".to_owned()],
            upgrade_from: vec!["any".parse().unwrap()],
            supported_until: None,
            upgrade_notes: "Take a backup first.".to_owned(),
            upgrade_news: "Boots.".to_owned(),
        },
        faults: Vec::new(),
    }
}

pub(crate) fn key() -> SecretKey {
    SecretKey::development()
}

pub(crate) fn trust() -> Trust {
    Trust::only(key().public())
}

/// Version 1.1.0.
pub(crate) fn image() -> &'static [u8] {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    IMAGE.get_or_init(|| bundle::assemble(parts(noise(2, 600_001)), &description(), &key()).unwrap())
}

/// The same with something changed.
pub(crate) fn changed(changes: &Changes) -> Vec<u8> {
    repack(image(), &trust(), changes, &key()).unwrap()
}

/// Version 1.`minor`.0.
pub(crate) fn version(minor: u32) -> Vec<u8> {
    changed(&Changes {
        version: Some(Version::new(1, minor, 0)),
        ..Changes::default()
    })
}

/// Signed with a key nobody trusts.
pub(crate) fn foreign() -> Vec<u8> {
    let key = SecretKey::from_seed(&[42; 32]);
    bundle::assemble(parts(noise(2, 1_000)), &description(), &key).unwrap()
}

/// Larger than a slot: sealed by hand, because the builder refuses to make one.
pub(crate) fn huge() -> Vec<u8> {
    let small = image();
    let verified = verify::verify(small, &trust()).unwrap();
    let content = |extent: &Extent| {
        let mut bytes = vec![0; usize::try_from(extent.size).unwrap()];
        small.read_at(extent.offset, &mut bytes).unwrap();
        bytes
    };
    let named = verified.manifest.payloads.iter().map(|payload| &payload.name);
    let mut payloads: Payloads = named
        .map(|name| (name.clone(), content(&verified.files.files[name])))
        .collect();
    let size = usize::try_from(sps_firmware_engine::SLOT_LIMIT).unwrap();
    payloads.insert(names::INITRAMFS.to_owned(), vec![0; size]);
    let seal = Seal {
        manifest: verified.manifest.clone(),
        boot_code: &noise(6, 512),
        key: &key(),
    };
    seal::seal(&seal, &payloads).unwrap()
}
