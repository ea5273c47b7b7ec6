//! Programs and crates that did not make the image say what they see in it.

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use crate::forge::{files, image, parts};
use sps_image::names;

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output =
        output.unwrap_or_else(|error| panic!("cannot run {program}: {error}; run `cargo xtask setup`"));
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn on_disk() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.iso");
    std::fs::write(&path, image()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn xorriso_sees_both_boot_images() {
    let (_folder, path) = on_disk();
    let report = run("xorriso", &["-indev", &path, "-report_el_torito", "plain"]);
    let lines: Vec<&str> = report
        .lines()
        .filter(|line| line.starts_with("El Torito"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn xorriso_sees_the_disk() {
    let (_folder, path) = on_disk();
    let report = run("xorriso", &["-indev", &path, "-report_system_area", "plain"]);
    let lines: Vec<&str> = report
        .lines()
        .filter(|line| line.starts_with("MBR") || line.starts_with("GPT"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn isoinfo_reads_the_same_files() {
    let (_folder, path) = on_disk();
    for (name, content) in files(image()) {
        // ISO 9660 names without an extension end in a dot (ECMA-119 7.5.1).
        let dot = if Path::new(&name).extension().is_some() {
            ""
        } else {
            "."
        };
        let argument = format!("/{name}{dot};1");
        let output = Command::new("isoinfo")
            .args(["-i", &path, "-x", &argument])
            .output()
            .unwrap();
        assert!(output.stdout == content, "isoinfo reads another {name}");
    }
}

#[test]
fn the_partition_table_points_at_the_system_partition() {
    let disk = gpt::GptConfig::new()
        .writable(false)
        .open_from_device(Cursor::new(image().to_vec()))
        .unwrap();
    let system = disk
        .partitions()
        .values()
        .find(|p| p.part_type_guid == gpt::partition_types::EFI)
        .unwrap();
    let start = system.bytes_start(gpt::disk::LogicalBlockSize::Lb512).unwrap() as usize;
    let content = &files(image())[names::EFI_IMAGE];
    assert_eq!(
        system.bytes_len(gpt::disk::LogicalBlockSize::Lb512).unwrap() as usize,
        content.len()
    );
    assert!(image()[start..start + content.len()] == content[..]);
}

#[test]
fn both_copies_of_the_partition_table_are_good() {
    let disk = gpt::GptConfig::new()
        .writable(false)
        .open_from_device(Cursor::new(image().to_vec()))
        .unwrap();
    let (primary, backup) = (disk.primary_header().unwrap(), disk.backup_header().unwrap());
    assert_eq!(primary.disk_guid, backup.disk_guid);
    assert_eq!(
        (primary.current_lba, primary.backup_lba),
        (1, image().len() as u64 / 512 - 1)
    );
    assert_eq!(backup.current_lba, primary.backup_lba);
}

/// The trap of hybrid images: GRUB's boot sector must load the core behind `cdboot.img`.
#[test]
fn the_boot_sector_points_at_the_core() {
    let sector = u64::from_le_bytes(image()[432..440].try_into().unwrap());
    let core = sector as usize * 512;
    let content = &files(image())[names::BIOS_IMAGE];
    assert!(image()[core..core + 2_000] == content[2_048..4_048]);
    assert_eq!(image()[..432], parts().grub.boot_code[..432]);
}
