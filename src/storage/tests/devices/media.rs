//! Media in the machine: the one the appliance was started from, and those that carry orders.

use std::fs;

use sps_image::disk::layout::LEAST_DISK;
use sps_image::release::{FORMAT, Release};
use sps_storage::disks::Content;
use sps_storage::install::{FirmwareError, Refusal, find_medium, plan, survey};
use sps_storage::unattended::{self, FILE_NAME, FindError};

use crate::lab::{LoopDisk, firmware, image, run, trust};

const ORDER: &str = "[disk]\nonly = true\n";

/// What the running firmware of this medium would know of itself.
fn release() -> Release {
    let firmware = firmware();
    let manifest = firmware.manifest();
    Release {
        format: FORMAT,
        product: manifest.product.clone(),
        version: manifest.version,
        channel: manifest.channel,
        build_id: manifest.build_id.clone(),
        build_time: manifest.build_time,
        development: true,
        faults: Vec::new(),
    }
}

#[test]
fn the_medium_is_found_on_a_stick_and_never_overwritten() {
    let (stick, other) = (LoopDisk::new(LEAST_DISK), LoopDisk::new(LEAST_DISK));
    stick.damage(0, &image());
    let disks = [other.disk(), stick.disk()];
    assert!(matches!(survey(&disks[1]).content, Content::Firmware(_)));
    let (found, media) = find_medium(&disks, &release(), &trust()).unwrap();
    assert_eq!(found.manifest(), firmware().manifest());
    assert_eq!(media, [stick.disk().name]);
    let refusal = plan(&survey(&stick.disk()), &media, false).unwrap_err();
    assert!(matches!(refusal, Refusal::Medium(_)), "{refusal}");
    assert!(plan(&survey(&other.disk()), &media, false).is_ok());
}

#[test]
fn firmware_of_another_build_or_damaged_is_not_the_medium() {
    let stick = LoopDisk::new(LEAST_DISK);
    stick.damage(0, &image());
    let other = Release {
        build_id: "0123456789abcdef".into(),
        ..release()
    };
    let error = find_medium(&[stick.disk()], &other, &trust()).err();
    assert!(matches!(error, Some(FirmwareError::NoMedium)), "{error:?}");
    // The last payload byte of the image, somewhere in the middle of it.
    stick.damage(image().len() as u64 / 2, &[0x5a; 64]);
    let error = find_medium(&[stick.disk()], &release(), &trust()).err();
    assert!(matches!(error, Some(FirmwareError::Verify(_))), "{error:?}");
}

/// A stick with one FAT partition that holds the order.
fn carrier(order: &str) -> LoopDisk {
    let disk = LoopDisk::new(64 << 20);
    let path = disk.path().to_str().unwrap().to_owned();
    run("sgdisk", &["--new=1:2048:0", "--typecode=1:0700", &path]);
    run("partx", &["--update", &path]);
    let partition = disk.disk().partition(1);
    let partition = partition.to_str().unwrap();
    run("mformat", &["-i", partition, "-T", "100000", "::"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    fs::write(&file, order).unwrap();
    run("mcopy", &["-i", partition, file.to_str().unwrap(), "::"]);
    disk
}

#[test]
fn one_order_is_found_and_two_are_refused() {
    let (one, blank) = (carrier(ORDER), LoopDisk::new(LEAST_DISK));
    let found = unattended::find(&[blank.disk(), one.disk()]).unwrap().unwrap();
    assert_eq!(found.carrier, one.disk().name);
    let surveys = [survey(&blank.disk()), survey(&one.disk())];
    let chosen = unattended::choose(&found.order, &surveys, &[found.carrier]).unwrap();
    assert_eq!(chosen.disk.name, blank.disk().name);
    assert_eq!(unattended::find(&[blank.disk()]).unwrap(), None);

    let two = carrier(ORDER);
    let error = unattended::find(&[one.disk(), two.disk()]).unwrap_err();
    assert!(matches!(error, FindError::Several(..)), "{error}");
}

#[test]
fn an_order_with_a_mistake_is_refused_by_its_line() {
    let disk = carrier("[disk]\nonly = true\nkepe = true\n");
    let error = unattended::find(&[disk.disk()]).unwrap_err();
    let told = sps_bootlog::causes(&error);
    assert!(
        told.contains(&disk.disk().name) && told.contains("line 3"),
        "{told}"
    );
}
