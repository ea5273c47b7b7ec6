//! Partition tables: what is believed can be written, and is read again as the same. The input is a header's fields
//! and entries; the checksums are made right, or no input would get further.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_image::disk::sparse::Sparse;
use sps_image::disk::write::{self, Device};
use sps_image::disk::{layout, read};
use sps_image::source::Source;

/// Bytes of a header's fields (UEFI specification, 5.3.2).
const HEADER: usize = 92;
/// Bytes of 128 entries.
const ENTRIES: usize = 128 * 128;
/// Large enough for the seed and for a table that grows.
const DISK: u64 = 2 * layout::LEAST_DISK;

fuzz_target!(|input: &[u8]| {
    let Some((header, entries)) = input.split_at_checked(HEADER) else {
        return;
    };
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let mut entries = entries.to_vec();
    entries.resize(ENTRIES, 0);
    let mut header = header.to_vec();
    header[88..92].copy_from_slice(&crc.checksum(&entries).to_le_bytes());
    header[16..20].fill(0);
    let checksum = crc.checksum(&header);
    header[16..20].copy_from_slice(&checksum.to_le_bytes());
    let mut disk = Sparse::new(DISK);
    let placed = disk
        .write_at(512, &header)
        .and_then(|()| disk.write_at(1024, &entries));
    assert!(placed.is_ok());
    let Ok(found) = read::read(&disk) else { return };
    let table = found.table.grown(disk.size()).unwrap_or(found.table);
    assert!(write::write(&mut disk, &table, &found.first_block).is_ok());
    assert_eq!(read::read(&disk).map(|found| found.table).ok(), Some(table));
});
