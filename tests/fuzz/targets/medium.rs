//! Foreign media: naming what is on a disk; listing the root folder of a FAT or ISO 9660 volume, finding its files and an order
//! among them; writing a file to it. The first byte says whether the rest begins the medium or follows the system area of an ISO.

#![no_main]

use std::cell::Cell;
use std::io;
use std::sync::Once;

use libfuzzer_sys::fuzz_target;
use sps_image::disk::write::Device;
use sps_image::source::Source;
use sps_storage::disks::{MOST_READ, probe};
use sps_storage::medium::{self, MediumFile};
use sps_storage::unattended::{FILE_NAME, MOST_BYTES, Order};

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

impl Device for Medium {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let place = usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        let end = place.checked_add(bytes.len());
        let room = end.and_then(|end| self.0.get_mut(place..end));
        room.ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A panic of `fatfs`, whose arithmetic trusts the volume, is taken for damage by the room under test; any other ends the run.
fn tolerate_fatfs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let abort = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |about| {
            let place = about.location().map_or("", |place| place.file());
            if !place.contains("/fatfs-") {
                abort(about);
            }
        }));
    });
}

/// Files looked into.
const FILES: usize = 4;

/// Every piece of a file lies inside the medium.
fn look_into(medium: &Medium, name: &str) {
    if let Ok(Some(places)) = medium::find(medium, name) {
        assert!(places.iter().all(|place| place.end() <= medium.size()));
        let file = MediumFile::new(medium, places);
        if let Some(last) = file.size().checked_sub(1) {
            assert!(file.read_at(last, &mut [0]).is_ok());
        }
    }
}

fuzz_target!(|input: &[u8]| {
    tolerate_fatfs();
    let Some((first, rest)) = input.split_first() else {
        return;
    };
    let area = if first % 2 == 0 { 0 } else { SYSTEM_AREA };
    let mut medium = Medium([&vec![0; area], rest].concat(), Cell::new(0));
    let _name = probe(&medium).to_string();
    assert!(medium.1.get() <= MOST_READ);
    if let Ok(Some(bytes)) = medium::read(&medium, FILE_NAME, MOST_BYTES) {
        assert!(bytes.len() <= MOST_BYTES + 1);
        let _order = Order::from_toml(&bytes);
    }
    for entry in medium::list(&medium).unwrap_or_default().into_iter().take(FILES) {
        look_into(&medium, &entry.name);
        look_into(&medium, &format!("{}/{FILE_NAME}", entry.name));
    }
    let _written = medium::write(&mut medium, "a long name.tar.zst", &[7; 3000]);
    let _order = Order::from_toml(rest);
    if let Ok(text) = std::str::from_utf8(rest) {
        let _order = Order::from_command_line(text);
    }
});
