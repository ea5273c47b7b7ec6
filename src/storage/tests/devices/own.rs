//! Finding the own disk: by its table alone, with one copy damaged, not among two that claim to be it.

use std::thread;
use std::time::Duration;

use sps_image::disk::layout::{BLOCK, Identity, LEAST_DISK, Layout, Part};
use sps_image::disk::table::{BLOCK_SIZE, Table};
use sps_image::disk::write;
use sps_storage::device::BlockDevice;
use sps_storage::disks::Scope;
use sps_storage::own::{Mark, OwnDisk, OwnError};

use crate::lab::{LoopDisk, sgdisk_finds_no_problem};

/// Other tests have disks too: each identity is one of its own.
fn identity(test: u8) -> Identity {
    let mut bytes = [test; Identity::RANDOM_SIZE];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte ^= at as u8;
    }
    Identity::from_random(&bytes)
}

fn esp(identity: &Identity) -> Mark {
    Mark::Esp(identity.parts[Part::Esp.index()])
}

fn appliance(identity: &Identity) -> LoopDisk {
    let disk = LoopDisk::new(LEAST_DISK);
    let table = Table::new(&Layout::for_size(LEAST_DISK).unwrap(), identity);
    let mut device = BlockDevice::exclusive(disk.path()).unwrap();
    write::write(&mut device, &table, &[0; BLOCK_SIZE]).unwrap();
    disk
}

fn find(identity: &Identity, wait: Duration) -> Result<OwnDisk, OwnError> {
    OwnDisk::open(esp(identity), wait, Scope::WithLoop)
}

#[test]
fn the_disk_with_the_partition_is_found_and_its_partitions_appear() {
    let identity = identity(1);
    let disk = appliance(&identity);
    let own = find(&identity, Duration::ZERO).unwrap();
    assert_eq!(own.disk().path, disk.path());
    for part in Part::ALL {
        assert!(own.partition(part).exists(), "{part:?}");
    }
}

#[test]
fn one_damaged_copy_is_written_again() {
    let identity = identity(2);
    let disk = appliance(&identity);
    let last = LEAST_DISK / BLOCK * BLOCK - BLOCK;
    for offset in [BLOCK, 2 * BLOCK, last] {
        disk.damage(offset, &[0x55; 100]);
        drop(find(&identity, Duration::ZERO).unwrap());
        sgdisk_finds_no_problem(disk.path());
    }
}

#[test]
fn with_both_copies_damaged_the_disk_is_named() {
    let identity = identity(3);
    let disk = appliance(&identity);
    disk.damage(2 * BLOCK, &[0x55; 100]);
    disk.damage(LEAST_DISK / BLOCK * BLOCK - BLOCK + 50, &[0x55; 100]);
    let error = find(&identity, Duration::ZERO).unwrap_err().to_string();
    assert!(
        error.contains(&format!("{}: both copies", disk.disk().name)),
        "{error}"
    );
    assert!(error.contains("install the firmware again"), "{error}");
}

#[test]
fn a_copy_beside_the_original_is_an_error_that_names_both() {
    let identity = identity(4);
    let (one, two) = (appliance(&identity), appliance(&identity));
    let error = find(&identity, Duration::ZERO).unwrap_err().to_string();
    for disk in [one.disk(), two.disk()] {
        assert!(error.contains(&disk.name), "{error}");
    }
    assert!(error.contains("detach the copy"), "{error}");
}

#[test]
fn a_slow_disk_is_waited_for() {
    let identity = identity(5);
    let wanted = esp(&identity);
    let waiting = thread::spawn(move || OwnDisk::open(wanted, Duration::from_secs(60), Scope::WithLoop));
    let disk = appliance(&identity);
    // The kernel tells of a new disk only when it is there; a loop device has been for long, so it is told once more.
    let told = format!("/sys/class/block/{}/uevent", disk.disk().name);
    while !waiting.is_finished() {
        std::fs::write(&told, "change").unwrap();
        thread::yield_now();
    }
    assert_eq!(waiting.join().unwrap().unwrap().disk().path, disk.path());
}

#[test]
fn a_disk_that_never_comes_is_missed_after_the_wait() {
    let began = std::time::Instant::now();
    let error = find(&identity(6), Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, OwnError::Absent { .. }), "{error}");
    assert!(began.elapsed() >= Duration::from_millis(300));
}
