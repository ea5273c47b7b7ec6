//! The two copies of a partition table against damage, growth and power cuts.

use std::io;

use super::*;
use crate::disk::guid::Guid;
use crate::disk::layout::{IMAGE_DISK, Identity, LEAST_DISK, Layout, Part};
use crate::disk::write::{self, Device};

/// A sparse disk whose writes can be stopped, each at a block's edge as disks do it.
#[derive(Clone)]
struct Disk {
    size: u64,
    blocks: std::collections::BTreeMap<u64, [u8; BLOCK_SIZE]>,
    /// Blocks that may still be written.
    left: usize,
    log: Vec<String>,
}

impl Disk {
    fn new(size: u64) -> Self {
        Self {
            size,
            blocks: Default::default(),
            left: usize::MAX,
            log: Vec::new(),
        }
    }

    fn with(table: &Table) -> Self {
        let mut disk = Self::new(table.disk_size());
        write::write(&mut disk, table, &[0; BLOCK_SIZE]).unwrap();
        disk
    }

    fn flip(&mut self, block: u64, byte: usize) {
        self.blocks.entry(block).or_insert([0; BLOCK_SIZE])[byte] ^= 1;
    }
}

impl Device for Disk {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.log
            .push(format!("write {} {}", offset / BLOCK, bytes.len() as u64 / BLOCK));
        for (block, content) in (offset / BLOCK..).zip(bytes.as_chunks().0) {
            self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
            assert!(block < self.size / BLOCK);
            self.blocks.insert(block, *content);
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.log.push("sync".to_owned());
        Ok(())
    }
}

impl Source for Disk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        for (block, part) in (offset / BLOCK..).zip(buffer.as_chunks_mut().0) {
            if block >= self.size / BLOCK {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            *part = self.blocks.get(&block).copied().unwrap_or([0; BLOCK_SIZE]);
        }
        Ok(())
    }
}

fn template(size: u64) -> Table {
    Table::new(&Layout::for_size(size).unwrap(), &Identity::TEMPLATE)
}

const LAST: u64 = IMAGE_DISK / BLOCK - 1;

#[test]
fn what_is_written_is_read() {
    for size in [LEAST_DISK, IMAGE_DISK, 1 << 50] {
        let found = read(&Disk::with(&template(size))).unwrap();
        assert_eq!((found.table, found.copies), (template(size), Copies::Agree));
    }
}

#[test]
fn one_damaged_copy_is_mended_from_the_other() {
    let good = template(IMAGE_DISK);
    // A byte of the header, its signature, the first entry, the last entry.
    for (block, byte) in [(1, 60), (1, 0), (2, 5), (33, 511)] {
        let mut disk = Disk::with(&good);
        disk.flip(block, byte);
        let found = read(&disk).unwrap();
        assert!(matches!(found.copies, Copies::BackupOnly(_)), "{block} {byte}");
        assert_eq!(found.table, good);
        write::write(&mut disk, &found.table, &found.first_block).unwrap();
        assert!(!read(&disk).unwrap().needs_mending());
    }
    for (block, byte) in [(LAST, 60), (LAST, 0), (LAST - 32, 5), (LAST - 1, 511)] {
        let mut disk = Disk::with(&good);
        disk.flip(block, byte);
        let found = read(&disk).unwrap();
        assert!(matches!(found.copies, Copies::PrimaryOnly(_)), "{block} {byte}");
        assert_eq!(found.table, good);
    }
}

#[test]
fn copies_that_are_gone_are_missed_where_the_first_block_tells_of_them() {
    let mut disk = Disk::with(&template(IMAGE_DISK));
    for block in [1, LAST] {
        disk.blocks.insert(block, [0xa5; BLOCK_SIZE]);
    }
    let error = read(&disk).unwrap_err().to_string();
    assert!(error.contains("both copies of the partition table"), "{error}");
    disk.blocks.remove(&0);
    assert!(matches!(read(&disk), Err(ReadError::Absent)));
}

#[test]
fn two_damaged_copies_are_an_error_that_says_what_to_do() {
    let mut disk = Disk::with(&template(IMAGE_DISK));
    disk.flip(1, 60);
    disk.flip(LAST - 32, 5);
    let error = read(&disk).unwrap_err().to_string();
    assert!(
        error.contains("header is wrong") && error.contains("entries is wrong"),
        "{error}"
    );
    assert!(error.contains("install the firmware again"), "{error}");
    assert!(matches!(read(&Disk::new(IMAGE_DISK)), Err(ReadError::Absent)));
    assert!(matches!(read(&Disk::new(512)), Err(ReadError::Damaged { .. })));
    assert!(matches!(read(&Disk::new(0)), Err(ReadError::FirstBlock(_))));
}

#[test]
fn a_disk_that_shrank_is_refused() {
    let mut disk = Disk::with(&template(IMAGE_DISK));
    disk.size -= 4096;
    assert!(matches!(read(&disk), Err(ReadError::Shrunk { .. })));
}

#[test]
fn a_larger_disk_gives_its_room_to_the_last_partition() {
    let old = template(IMAGE_DISK);
    assert_eq!(old.grown(IMAGE_DISK), None);
    assert_eq!(old.grown(IMAGE_DISK - 512), None);
    let new = old.grown(10 << 30).unwrap();
    assert_eq!(new, template(10 << 30));
    assert_eq!(new.disk_size(), 10 << 30);
}

/// Stops the writing of `new` over `disk` after every block and says which table is then found.
fn cut(disk: &Disk, new: &Table) -> Vec<Table> {
    let mut found = Vec::new();
    for blocks in 0.. {
        let mut cut = disk.clone();
        cut.left = blocks;
        let done = write::write(&mut cut, new, &[0; BLOCK_SIZE]).is_ok();
        found.push(
            read(&cut)
                .unwrap_or_else(|error| panic!("after {blocks} blocks: {error}"))
                .table,
        );
        if done {
            return found;
        }
    }
    unreachable!("the table has an end")
}

#[test]
fn a_power_cut_at_any_block_leaves_the_old_table_or_the_new() {
    let old = template(IMAGE_DISK);
    let identity = Identity::from_random(&[7; Identity::RANDOM_SIZE]);
    let mut larger = Disk::with(&old);
    larger.size = 10 << 30;
    for (disk, new) in [
        (Disk::with(&old), old.with_identity(&identity)),
        (larger, old.grown(10 << 30).unwrap()),
    ] {
        let tables = cut(&disk, &new);
        // 32 blocks of entries and a header, twice, and the protective MBR.
        assert_eq!(tables.len(), 2 * 33 + 2);
        let change = tables.iter().position(|table| *table == new).unwrap();
        assert!(tables[..change].iter().all(|table| *table == old));
        assert!(tables[change..].iter().all(|table| *table == new));
        assert!(change > 33, "the backup is written first");
    }
}

#[test]
fn every_write_is_synced_before_the_next() {
    let disk = Disk::with(&template(IMAGE_DISK));
    let backup = LAST - 32;
    let expected = [
        format!("write {backup} 32"),
        "sync".to_owned(),
        format!("write {LAST} 1"),
        "sync".to_owned(),
        "write 2 32".to_owned(),
        "sync".to_owned(),
        "write 1 1".to_owned(),
        "sync".to_owned(),
        "write 0 1".to_owned(),
        "sync".to_owned(),
    ];
    assert_eq!(disk.log, expected);
}

#[test]
fn the_boot_code_stays() {
    let mut disk = Disk::new(IMAGE_DISK);
    let mut first = [0; BLOCK_SIZE];
    first[..440].fill(0xab);
    write::write(&mut disk, &template(IMAGE_DISK), &first).unwrap();
    let found = read(&disk).unwrap();
    assert_eq!(found.first_block[..440], first[..440]);
    assert_eq!(found.first_block[446..454], [0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff]);
    assert_eq!(found.first_block[510..], [0x55, 0xaa]);
}

#[test]
fn an_identity_ends_freshness() {
    let fresh = template(IMAGE_DISK);
    assert!(fresh.is_fresh() && fresh.check_appliance().is_ok());
    let own = fresh.with_identity(&Identity::from_random(&[7; Identity::RANDOM_SIZE]));
    assert!(!own.is_fresh() && own.check_appliance().is_ok());
    let guids: Vec<Guid> = own.entries().map(|(_, entry)| entry.guid).collect();
    assert!(!guids.iter().any(|guid| Identity::TEMPLATE.parts.contains(guid)));
    assert_eq!(own.entry(Part::Esp).unwrap().name(), "sps-esp");
}
