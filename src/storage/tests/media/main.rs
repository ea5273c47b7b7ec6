//! Files on media that other programs made: mtools for FAT, xorriso and genisoimage for ISO 9660; and files written for other programs.
//!
//! Needs Debian's `mtools`, `dosfstools`, `xorriso` and `genisoimage`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod files;
mod writing;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sps_storage::medium;
use sps_storage::unattended::{FILE_NAME, MOST_BYTES, Order};
use tempfile::TempDir;

const ORDER: &str = "after = \"poweroff\"\n[disk]\nonly = true\n";

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A folder with an order, and with many files before it if there shall be a crowd.
fn content(folder: &TempDir, crowd: usize) -> PathBuf {
    let content = folder.path().join("content");
    fs::create_dir(&content).unwrap();
    for number in 0..crowd {
        fs::write(content.join(format!("another file number {number}.txt")), "x").unwrap();
    }
    fs::write(content.join(FILE_NAME), ORDER).unwrap();
    content
}

fn fat(kib: &str, kind: &[&str], crowd: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    let image = image.to_str().unwrap();
    let content = content(&folder, crowd);
    run(
        "mformat",
        &[&["-C", "-i", image, "-T", kib], kind, &["::"]].concat(),
    );
    let files: Vec<String> = fs::read_dir(&content)
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    run("mcopy", &[&["-i", image], files.as_slice(), &["::"]].concat());
    fs::read(image).unwrap()
}

fn iso(program: &str, options: &[&str], crowd: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    let content = content(&folder, crowd);
    let prefix: &[&str] = if program == "xorriso" {
        &["-as", "mkisofs"]
    } else {
        &[]
    };
    let ends = ["-o", image.to_str().unwrap(), path(&content)];
    run(program, &[prefix, options, &ends].concat());
    fs::read(image).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
fn is_order(found: Option<Vec<u8>>) {
    let found = found.expect("there is an order");
    assert_eq!(found, ORDER.as_bytes());
    assert!(Order::from_toml(&found).unwrap().disk.only);
}

#[test]
fn an_order_is_found_on_every_fat() {
    // Sectors of 512 bytes: a floppy, a small stick, one large enough for FAT32.
    for (sectors, kind, crowd) in [("2880", &[][..], 10), ("65536", &[], 40), ("200000", &["-F"], 80)] {
        let image = fat(sectors, kind, crowd);
        is_order(medium::read(&image, FILE_NAME, MOST_BYTES).unwrap());
        assert!(medium::read(&image, "other.toml", MOST_BYTES).unwrap().is_none());
    }
}

#[test]
fn an_order_is_found_on_isos_of_every_kind() {
    let kinds: [(&str, &[&str]); 5] = [
        ("xorriso", &["-r", "-J"]),
        ("xorriso", &["-r"]),
        ("genisoimage", &["-quiet", "-J", "-r"]),
        ("genisoimage", &["-quiet", "-J"]),
        ("genisoimage", &["-quiet", "-iso-level", "4"]),
    ];
    for (program, options) in kinds {
        let image = iso(program, options, 200);
        is_order(medium::read(&image, FILE_NAME, MOST_BYTES).unwrap());
        assert!(medium::read(&image, "other.toml", MOST_BYTES).unwrap().is_none());
    }
}

#[test]
fn no_more_is_read_than_asked_for() {
    let image = fat("2880", &[], 0);
    assert_eq!(medium::read(&image, FILE_NAME, 4).unwrap().unwrap().len(), 5);
    let image = iso("xorriso", &["-r"], 0);
    assert_eq!(medium::read(&image, FILE_NAME, 4).unwrap().unwrap().len(), 5);
}

#[test]
fn damaged_media_end_in_an_error_or_nothing() {
    let (fat, iso) = (
        fat("2880", &[], 50),
        iso("genisoimage", &["-quiet", "-J", "-r"], 50),
    );
    for at in (0..0x4000).step_by(61) {
        for value in [0x00, 0x01, 0x80, 0xff] {
            let mut image = fat.clone();
            image[at] = value;
            let _any = (medium::read(&image, FILE_NAME, MOST_BYTES), medium::list(&image));
            let mut image = iso.clone();
            // Descriptors and folders.
            image[0x8000 + 4 * at] = value;
            let _any = (medium::read(&image, FILE_NAME, MOST_BYTES), medium::list(&image));
        }
    }
}
