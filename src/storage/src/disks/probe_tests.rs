//! Disks as they come, and as nobody should send them.

use std::cell::Cell;

use sps_image::disk::layout::{BLOCK, IMAGE_DISK, Identity, LEAST_DISK, Layout};
use sps_image::disk::table::{BLOCK_SIZE, Table};
use sps_image::disk::write::{Device, write};

use super::*;

/// A disk of which only the written bytes exist; counts what is read of it.
struct Sparse {
    size: u64,
    pieces: Vec<(u64, Vec<u8>)>,
    read: Cell<u64>,
}

impl Sparse {
    fn new(size: u64) -> Self {
        Self {
            size,
            pieces: Vec::new(),
            read: Cell::new(0),
        }
    }

    fn with(mut self, offset: u64, bytes: &[u8]) -> Self {
        self.pieces.push((offset, bytes.to_vec()));
        self
    }

    fn with_table(mut self, identity: &Identity) -> Self {
        let layout = Layout::for_size(self.size).unwrap();
        write(&mut self, &Table::new(&layout, identity), &[0; BLOCK_SIZE]).unwrap();
        self
    }
}

impl Device for Sparse {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.pieces.push((offset, bytes.to_vec()));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Sparse {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let length = buffer.len() as u64;
        self.read.set(self.read.get() + length);
        if offset + length > self.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.fill(0);
        for (start, bytes) in &self.pieces {
            let (from, to) = (
                offset.max(*start),
                (offset + length).min(start + bytes.len() as u64),
            );
            if from < to {
                let source = &bytes[(from - start) as usize..(to - start) as usize];
                buffer[(from - offset) as usize..(to - offset) as usize].copy_from_slice(source);
            }
        }
        Ok(())
    }
}

fn own() -> Identity {
    let bytes = std::array::from_fn(|at| at as u8);
    Identity::from_random(&bytes)
}

#[test]
fn an_appliance_is_recognised_with_one_good_copy_of_its_table() {
    let fresh = Sparse::new(IMAGE_DISK).with_table(&Identity::TEMPLATE);
    let Content::Appliance(found) = probe(&fresh) else {
        panic!("{:?}", probe(&fresh))
    };
    assert!(found.fresh && !found.needs_mending);
    assert_eq!(found.esp, Identity::TEMPLATE.parts[Part::Esp.index()]);

    let mended = Sparse::new(LEAST_DISK)
        .with_table(&own())
        .with(BLOCK, &[0xff; 512]);
    let Content::Appliance(found) = probe(&mended) else {
        panic!("{:?}", probe(&mended))
    };
    assert!(!found.fresh && found.needs_mending);
    assert_eq!(found.disk, own().disk);

    let last = LEAST_DISK / BLOCK * BLOCK - BLOCK;
    let broken = mended.with(last, &[0xff; 512]);
    assert_eq!(probe(&broken), Content::DamagedTable);
}

#[test]
fn other_contents_have_their_names() {
    let disk = || Sparse::new(1 << 30);
    let name = |content: Content| content.to_string();
    assert_eq!(name(probe(&disk())), "blank");
    assert_eq!(name(probe(&disk().with((1 << 30) - 1, &[1]))), "unknown data");
    assert_eq!(
        name(probe(&disk().with(0x438, &[0x53, 0xef]))),
        "ext2, ext3 or ext4, no partition table"
    );
    assert_eq!(
        name(probe(&disk().with(0x10040, b"_BHRfS_M"))),
        "btrfs, no partition table"
    );
    let mut mbr = [0; 512];
    mbr[446..462].copy_from_slice(&[0x80, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0]);
    mbr[510..].copy_from_slice(&[0x55, 0xaa]);
    assert_eq!(
        name(probe(&disk().with(0, &mbr))),
        "MBR partition table, 1 partition"
    );
    assert_eq!(probe(&Sparse::new(0)), Content::NoMedium);
    assert!(matches!(
        probe(&Sparse::new(512)),
        Content::Blank | Content::Unreadable(_)
    ));
}

#[test]
fn an_iso_is_told_from_firmware() {
    let mut descriptor = vec![0; 2048];
    descriptor[..7].copy_from_slice(b"\x01CD001\x01");
    descriptor[40..72].copy_from_slice(b"DEBIAN\x1b12                       ");
    descriptor[80..84].copy_from_slice(&1000_u32.to_le_bytes());
    let disk = Sparse::new(1 << 30).with(ISO_DESCRIPTOR, &descriptor);
    assert_eq!(probe(&disk).to_string(), "ISO medium \"DEBIAN?12\"");
    assert_eq!(volume_size(&disk), Some(2_048_000));
}

#[test]
fn the_look_is_bounded() {
    for disk in [
        Sparse::new(1 << 44),
        Sparse::new(IMAGE_DISK).with_table(&own()),
        Sparse::new(1 << 44).with(0, &[0xff; 4096]),
    ] {
        let _named = probe(&disk);
        assert!(disk.read.get() <= MOST_READ, "{} bytes", disk.read.get());
    }
}
