//! The seeds of the fuzz targets stay what they are meant to be: inputs that get deep into the readers.
//!
//! `SPS_WRITE_SEEDS=1 cargo test -p sps-image seeds` writes them anew after a change of a format.

use std::path::PathBuf;

use sps_image::archive;
use sps_image::iso9660;
use sps_image::manifest::Manifest;
use sps_image::names;
use sps_image::release::Release;
use sps_image::verify::{Refusal, VerifyError};

use crate::forge::{files, image, verify};

const BLOCK: usize = 2048;
/// The fuzz target adds the system area itself.
const SYSTEM_AREA: usize = 16 * BLOCK;

fn seed(path: &str, content: &[u8]) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fuzz/seeds")
        .join(path);
    if std::env::var_os("SPS_WRITE_SEEDS").is_some() {
        std::fs::write(&path, content).unwrap();
    }
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A record of a directory (ECMA-119 9.1).
fn record(name: &[u8], block: u32, size: u32, directory: bool) -> Vec<u8> {
    let mut record = vec![0; 33];
    record[2..6].copy_from_slice(&block.to_le_bytes());
    record[6..10].copy_from_slice(&block.to_be_bytes());
    record[10..14].copy_from_slice(&size.to_le_bytes());
    record[14..18].copy_from_slice(&size.to_be_bytes());
    record[25] = u8::from(directory) * 2;
    record[32] = name.len() as u8;
    record.extend_from_slice(name);
    record.resize(record.len().next_multiple_of(2), 0);
    record[0] = record.len() as u8;
    record
}

fn blocks(content: &[u8]) -> Vec<u8> {
    let mut blocks = content.to_vec();
    blocks.resize(content.len().next_multiple_of(BLOCK), 0);
    blocks
}

/// The smallest volume with a signed manifest: no payloads, so it is refused, but only at the very end.
fn smallest() -> Vec<u8> {
    let all = files(image());
    let (manifest, signature) = (&all[names::MANIFEST], &all[names::SIGNATURE]);
    let mut descriptor = image()[SYSTEM_AREA..SYSTEM_AREA + BLOCK].to_vec();
    let signature_at = 20 + manifest.len().div_ceil(BLOCK) as u32;
    let size = signature_at + 1;
    descriptor[80..84].copy_from_slice(&size.to_le_bytes());
    descriptor[84..88].copy_from_slice(&size.to_be_bytes());
    descriptor[156..190].copy_from_slice(&record(&[0], 18, BLOCK as u32, true));
    let itself = |at| {
        [
            record(&[0], at, BLOCK as u32, true),
            record(&[1], 18, BLOCK as u32, true),
        ]
        .concat()
    };
    let root = [itself(18), record(b"firmware", 19, BLOCK as u32, true)].concat();
    let folder = [
        itself(19),
        record(b"manifest.json;1", 20, manifest.len() as u32, false),
        record(b"manifest.sig;1", signature_at, signature.len() as u32, false),
    ]
    .concat();
    let end = blocks(b"\xffCD001\x01");
    [
        descriptor,
        end,
        blocks(&root),
        blocks(&folder),
        blocks(manifest),
        blocks(signature),
    ]
    .concat()
}

#[test]
fn the_image_seed_is_refused_for_its_missing_payloads_alone() {
    let seed = seed("image/signed", &smallest());
    let image = [vec![0; SYSTEM_AREA], seed].concat();
    assert_eq!(iso9660::read(&image).unwrap().files.len(), 2);
    let error = verify(&image).unwrap_err();
    assert!(
        matches!(error, VerifyError::Refused(Refusal::Content(_))),
        "write the seeds anew: {error:?}"
    );
}

#[test]
fn the_other_seeds_are_accepted() {
    let all = files(image());
    let archive = archive::read(&seed("archive/release", &all[names::RELEASE])).unwrap();
    let archive::Kind::File(release) = &archive[names::RELEASE_FILE].kind else {
        panic!("no release file")
    };
    assert!(Release::from_json(&seed("manifest/release", release)).is_ok());
    assert!(Manifest::from_json(&seed("manifest/manifest", &all[names::MANIFEST])).is_ok());
    assert!(sps_image::keys::Signature::parse(&seed("manifest/signature", &all[names::SIGNATURE])).is_ok());
}

#[test]
fn the_boot_control_seed_is_two_complete_copies() {
    use sps_image::boot_control::{Control, Other, SIZE, SlotNumber, choose};
    let copy = Control::installed(SlotNumber::FIRST).to_bytes();
    let seed = seed("boot_control/installed", &[copy, copy].concat());
    let (a, b) = seed.split_at(SIZE);
    assert_eq!(choose(a, b).unwrap().other, Other::Same);
}

/// The smallest volume with a file in a folder: one sector each for boot sector, FAT, root, folder and content.
fn small_volume() -> Vec<u8> {
    const SECTOR: usize = 512;
    let mut volume = vec![0; 5 * SECTOR];
    for (at, bytes) in [
        (11, &[0x00, 0x02, 1, 1, 0, 1][..]),
        (32, &[5, 0, 0, 0, 1, 0, 0, 0]),
        (44, &[2, 0, 0, 0]),
        (510, &[0x55, 0xaa]),
    ] {
        volume[at..at + bytes.len()].copy_from_slice(bytes);
    }
    volume[SECTOR..SECTOR + 20].fill(0xff);
    let entries = [(2, b"SPS        ", 0x10, 3), (3, b"CONTROL    ", 0x20, 4)];
    for (sector, name, attributes, cluster) in entries {
        let entry = &mut volume[sector * SECTOR..];
        entry[..11].copy_from_slice(name);
        (entry[11], entry[26]) = (attributes, cluster);
        entry[29] = 2;
    }
    volume
}

#[test]
fn the_seed_of_a_volume_holds_its_file() {
    let volume = seed("file_extents/volume", &small_volume());
    let extents = sps_image::disk::file_extents::find(&volume, "sps/control").unwrap();
    assert_eq!(extents.len(), 1);
    assert_eq!((extents[0].offset, extents[0].size), (4 * 512, 512));
}

#[test]
fn the_seed_of_a_table_is_an_appliances() {
    use sps_image::disk::layout::{Identity, LEAST_DISK, Layout};
    use sps_image::disk::table::Table;
    let table = Table::new(&Layout::for_size(LEAST_DISK).unwrap(), &Identity::TEMPLATE).encode();
    let bytes = [&table.primary_header[..92], &table.entries[..6 * 128]].concat();
    assert_eq!(seed("partition_table/appliance", &bytes), bytes);
}
