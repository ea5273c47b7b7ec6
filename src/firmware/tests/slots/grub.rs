//! What GRUB makes of a disk: its own ext4 reader (`grub-fstest`), which never replays a journal, and its rules for
//! the boot control.

use std::path::Path;

use sps_firmware_engine::Rescue;
use sps_firmware_engine::grub::{self, Menu, Step};
use sps_image::boot_control::SlotNumber;
use sps_image::hex::Sha256Digest;
use sps_image::manifest::Manifest;

use crate::disk::{self, Disk};

/// Files without which a slot does not start.
const NEEDED: [&str; 5] = [
    "manifest.sig",
    "kernel.env",
    "vmlinuz",
    "release.cpio",
    "initramfs.zst",
];

/// A file as GRUB reads it.
pub(crate) fn file(boot: &Path, slot: SlotNumber, name: &str) -> Option<Vec<u8>> {
    let path = format!("/slots/{slot}/{name}");
    let output = disk::output("grub-fstest", &[boot.to_str().unwrap(), "cat", &path]);
    output.status.success().then_some(output.stdout)
}

pub(crate) fn loads(boot: &Path, slot: SlotNumber) -> bool {
    NEEDED.iter().all(|name| file(boot, slot, name).is_some())
}

/// Whether every file of a slot is, for GRUB, what its manifest says.
pub(crate) fn is_whole(boot: &Path, slot: SlotNumber) -> bool {
    let Some(manifest) = file(boot, slot, "manifest.json").and_then(|text| Manifest::from_json(&text).ok())
    else {
        return false;
    };
    let mut payloads = manifest
        .payloads
        .iter()
        .filter_map(|payload| Some((payload.name.strip_prefix("firmware/")?, payload.sha256)));
    payloads
        .all(|(name, digest)| file(boot, slot, name).is_some_and(|text| Sha256Digest::of(&text) == digest))
}

/// GRUB starts something; the tries it takes are saved.
pub(crate) fn start(disk: &Disk, menu: Menu) -> (SlotNumber, Option<Rescue>) {
    let mut copies = disk.copies();
    let boot = disk.boot();
    let steps = grub::boot(&copies[0], &copies[1], menu, 0, |slot| loads(&boot, slot));
    let mut started = None;
    for step in steps {
        match step {
            Step::Save(copy, control) => {
                copies[copy as usize] = grub::save(&copies[copy as usize], &control);
            }
            Step::Start(slot, rescue) => started = Some((slot, rescue)),
            Step::GiveUp => panic!("GRUB finds nothing to start"),
        }
    }
    disk.write_copies(copies);
    started.unwrap()
}
