//! A small firmware image that is real in everything but its payloads, and ways to forge others.

#![allow(
    dead_code,
    reason = "every test file is its own crate and uses its own part of this"
)]

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;
use sps_image::build::bundle::{self, Description, Firmware, Parts};
use sps_image::build::grub::{DiskGrub, Grub};
use sps_image::build::iso;
use sps_image::compression;
use sps_image::iso9660;
use sps_image::keys::{SecretKey, Trust};
use sps_image::names;
use sps_image::verify::{self, VerifyError};
use sps_image::version::Version;

use crate::noise::Noise;

pub(crate) const BUILD_TIME: u64 = 1_700_000_000;

pub(crate) fn parts() -> Parts {
    let mut noise = Noise::new(1);
    Parts {
        kernel: noise.bytes(70_000),
        initramfs: noise.bytes(30_001),
        microcode: Some(noise.bytes(5_000)),
        sbom: b"{}\n".to_vec(),
        grub: Grub {
            bios: noise.bytes(4_096),
            efi: noise.bytes(9_000),
            boot_code: noise.bytes(512),
            disk: DiskGrub {
                boot: noise.bytes(512),
                core: noise.bytes(3_000),
                efi: compression::pack(&noise.bytes(7_000)).unwrap(),
            },
        },
    }
}

pub(crate) fn description() -> Description {
    Description {
        version: Version::new(0, 1, 0),
        build_time: BUILD_TIME,
        firmware: Firmware {
            data_layout: 1,
            boot_protocol: 1,
            hardware: vec!["generic-x86-64".to_owned()],
            upgrade_from: vec!["any".parse().unwrap()],
            supported_until: None,
            upgrade_notes: "Take a backup first.\nIt takes two minutes.".to_owned(),
            upgrade_news: "Boots.".to_owned(),
        },
        faults: Vec::new(),
    }
}

pub(crate) fn development() -> SecretKey {
    SecretKey::development()
}

pub(crate) fn release_key() -> SecretKey {
    SecretKey::from_seed(&[42; 32])
}

pub(crate) fn trust() -> Trust {
    Trust::only(development().public())
}

/// A good image, signed with the development key.
pub(crate) fn image() -> &'static [u8] {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    IMAGE.get_or_init(|| bundle::assemble(parts(), &description(), &development()).unwrap())
}

pub(crate) fn verify(image: &[u8]) -> Result<verify::Verified, VerifyError> {
    verify::verify(image, &trust())
}

/// Path and content of every file of an image.
pub(crate) fn files(image: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let read = iso9660::read(image).unwrap();
    let content = |offset: u64, size: u64| image[offset as usize..(offset + size) as usize].to_vec();
    read.files
        .into_iter()
        .map(|(name, extent)| (name, content(extent.offset, extent.size)))
        .collect()
}

/// An ISO with these files, whatever they are.
pub(crate) fn lay_out(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    iso::write(&iso::Layout {
        files: files
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_slice()))
            .collect(),
        bios_image: names::BIOS_IMAGE,
        efi_image: names::EFI_IMAGE,
        boot_code: &parts().grub.boot_code,
        volume: names::VOLUME,
        epoch: BUILD_TIME,
        seed: 1,
    })
    .unwrap()
}

/// The good image with a changed manifest, properly signed by `key`.
pub(crate) fn with_manifest(key: &SecretKey, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut files = files(image());
    let mut manifest: Value = serde_json::from_slice(&files[names::MANIFEST]).unwrap();
    change(&mut manifest);
    let text = serde_json::to_vec_pretty(&manifest).unwrap();
    files.insert(
        names::SIGNATURE.to_owned(),
        key.sign(&text).to_text().into_bytes(),
    );
    files.insert(names::MANIFEST.to_owned(), text);
    lay_out(&files)
}
