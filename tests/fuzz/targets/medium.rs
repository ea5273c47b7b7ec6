//! Foreign media: naming what is on a disk, and looking for an order in the root folder of a FAT or ISO 9660 volume. The first
//! byte says whether the rest begins the medium or follows the system area of an ISO.

#![no_main]

use std::cell::Cell;
use std::io;

use libfuzzer_sys::fuzz_target;
use sps_image::source::Source;
use sps_storage::disks::{MOST_READ, probe};
use sps_storage::unattended::{FILE_NAME, MOST_BYTES, Order, read_fat, read_iso};

/// Sixteen blocks (ECMA-119 6.2.1).
const SYSTEM_AREA: usize = 32 * 1024;

/// Counts what is read.
struct Medium(Vec<u8>, Cell<u64>);

impl Source for Medium {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.1.set(self.1.get() + buffer.len() as u64);
        self.0.read_at(offset, buffer)
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else {
        return;
    };
    let area = if first % 2 == 0 { 0 } else { SYSTEM_AREA };
    let medium = Medium([&vec![0; area], rest].concat(), Cell::new(0));
    let _name = probe(&medium).to_string();
    assert!(medium.1.get() <= MOST_READ);
    for found in [
        read_fat(&medium, FILE_NAME, MOST_BYTES),
        read_iso(&medium, FILE_NAME, MOST_BYTES),
    ] {
        if let Ok(Some(bytes)) = found {
            assert!(bytes.len() <= MOST_BYTES + 1);
            let _order = Order::from_toml(&bytes);
        }
    }
    let _order = Order::from_toml(rest);
    if let Ok(text) = std::str::from_utf8(rest) {
        let _order = Order::from_command_line(text);
    }
});
