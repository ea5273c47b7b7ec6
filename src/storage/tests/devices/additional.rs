//! Disks for archives and backups, by their label.

use std::fs;

use sps_storage::additional::{AdditionalError, find, let_go, mount};
use sps_storage::ext4;
use sps_storage::helper::Helpers;

use crate::lab::{LoopDisk, run};

const BYTES: u64 = 32 << 20;

fn labelled(label: &str) -> LoopDisk {
    let disk = LoopDisk::new(BYTES);
    run(
        "mke2fs",
        &["-q", "-t", "ext4", "-L", label, disk.path().to_str().unwrap()],
    );
    disk
}

#[test]
fn a_disk_is_found_by_its_label_mounted_and_let_go() {
    let (other, wanted, empty) = (labelled("other"), labelled("sps-archive"), LoopDisk::new(BYTES));
    let disks = [other.disk(), empty.disk(), wanted.disk()];
    assert_eq!(find(&disks, "sps-archive").unwrap(), wanted.path());
    assert!(matches!(find(&disks, "sps"), Err(AdditionalError::None { .. })));
    assert!(matches!(find(&disks, ""), Err(AdditionalError::None { .. })));
    let target = tempfile::tempdir().unwrap();
    let mounted = mount(&Helpers::default(), &disks, "sps-archive", target.path()).unwrap();
    fs::write(mounted.target().join("a"), "x").unwrap();
    let busy = find(&[wanted.disk()], "sps-archive").unwrap_err();
    assert!(busy.to_string().contains("mounted on"), "{busy}");
    let_go(mounted);
    let again = ext4::mount(wanted.path(), target.path(), ext4::Options::Untouched).unwrap();
    assert_eq!(fs::read(again.target().join("a")).unwrap(), b"x");
}

#[test]
fn of_two_with_the_same_label_none_is_taken() {
    let (one, two) = (labelled("same"), labelled("same"));
    let error = find(&[one.disk(), two.disk()], "same").unwrap_err();
    assert!(error.to_string().contains("are both labelled"), "{error}");
}
