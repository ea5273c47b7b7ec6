//! A file in the root folder of an ISO 9660 volume that somebody else made, read without mounting it (ECMA-119, with the names of
//! Rock Ridge or Joliet where the volume has them).
//!
//! Invariant: the volume may come from an enemy: every number is checked before it is used, every loop has a named bound, no panic. The reader of
//! our own ISOs, `sps_image::iso9660`, is stricter and does not take what other tools make.

use std::io;

use sps_image::source::{Extent, Source};

/// Bytes of a logical block.
const BLOCK: u64 = 2048;
/// The first volume descriptor (ECMA-119 6.2.1).
const FIRST: u64 = 16;
/// Volume descriptors looked at.
const MOST_DESCRIPTORS: u64 = 16;
/// Bytes of a root folder that are looked at: some 2,000 files.
const MOST_FOLDER: u64 = 256 * 1024;
/// Bytes before the name in a directory record (ECMA-119 9.1).
const BEFORE_NAME: usize = 33;
const FLAG_DIRECTORY: u8 = 0x02;

/// How a tree writes its names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// One byte a character, `;1` at the end; Rock Ridge's name beside it.
    Plain,
    /// Big-endian UCS-2 (Joliet specification, 1995).
    Joliet,
}

/// Reads the file `name`, whatever its case, up to one byte more than `most`; nothing when this is no ISO or has no such file.
///
/// # Errors
/// When the volume cannot be read.
pub fn read<S: Source + ?Sized>(volume: &S, name: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
    for number in 0..MOST_DESCRIPTORS {
        let mut descriptor = [0; BLOCK as usize];
        let place = (FIRST + number) * BLOCK;
        if volume.read_at(place, &mut descriptor).is_err() || &descriptor[1..6] != b"CD001" {
            return Ok(None);
        }
        let names = match descriptor[0] {
            1 => Names::Plain,
            2 if is_joliet(&descriptor) => Names::Joliet,
            255 => return Ok(None),
            _ => continue,
        };
        if let Some(found) = in_tree(volume, &descriptor, names, name)? {
            let size = found.size.min(most as u64 + 1);
            return bytes(volume, Extent { size, ..found }).map(Some);
        }
    }
    Ok(None)
}

/// The escape sequences of the three levels of Joliet.
fn is_joliet(descriptor: &[u8; BLOCK as usize]) -> bool {
    matches!(&descriptor[88..91], b"%/@" | b"%/C" | b"%/E")
}

/// Looks in the root folder of the tree that a descriptor begins.
fn in_tree(
    volume: &(impl Source + ?Sized),
    descriptor: &[u8; BLOCK as usize],
    names: Names,
    name: &str,
) -> io::Result<Option<Extent>> {
    let root = place(&descriptor[156..190]);
    let folder = bytes(
        volume,
        Extent {
            size: root.size.min(MOST_FOLDER),
            ..root
        },
    )?;
    // No record crosses a block (ECMA-119 6.8.1.1).
    let blocks = folder.chunks(BLOCK as usize);
    let mut records = blocks.flat_map(|block| Records { rest: block });
    let found = records.find(|record| record[25] & FLAG_DIRECTORY == 0 && is_named(record, names, name));
    Ok(found.map(place))
}

/// Directory records of a block, each at least as long as its fixed part and its name.
struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(*self.rest.first()?);
        let (record, rest) = self.rest.split_at_checked(length)?;
        let name = usize::from(*record.get(32)?);
        if record.len() < BEFORE_NAME + name {
            return None;
        }
        self.rest = rest;
        Some(record)
    }
}

/// Extent of a record: the little-endian halves of the fields (ECMA-119 7.3.3). The volume's size is not asked: a read past its end fails.
fn place(record: &[u8]) -> Extent {
    let number = |at: usize| u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
    Extent {
        offset: u64::from(number(2)) * BLOCK,
        size: u64::from(number(10)),
    }
}

fn is_named(record: &[u8], names: Names, wanted: &str) -> bool {
    let end = BEFORE_NAME + usize::from(record[32]);
    let own = &record[BEFORE_NAME..end];
    match names {
        Names::Plain => {
            plain(own).eq_ignore_ascii_case(wanted) || rock_ridge(record, end).eq_ignore_ascii_case(wanted)
        }
        Names::Joliet => {
            let units: Vec<u16> = own
                .as_chunks::<2>()
                .0
                .iter()
                .map(|pair| u16::from_be_bytes(*pair))
                .collect();
            plain(String::from_utf16_lossy(&units).as_bytes()).eq_ignore_ascii_case(wanted)
        }
    }
}

/// The name without its version.
fn plain(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let text = text.split(';').next().unwrap_or_default();
    text.trim_end_matches('.').to_owned()
}

/// The name in the system use area: entries `NM` of the Rock Ridge Interchange Protocol (4.1.4), joined.
fn rock_ridge(record: &[u8], end: usize) -> String {
    // A padding byte makes the name's length even (ECMA-119 9.1.12).
    let start = end + end % 2;
    let mut rest = record.get(start..).unwrap_or_default();
    let mut name = Vec::new();
    while let Some([a, b, length, ..]) = rest.get(..4) {
        let (kind, length) = ([*a, *b], usize::from(*length));
        let Some((entry, after)) = rest.split_at_checked(length).filter(|_| length >= 4) else {
            break;
        };
        if kind == *b"NM" {
            name.extend_from_slice(entry.get(5..).unwrap_or_default());
        }
        rest = after;
    }
    String::from_utf8_lossy(&name).into_owned()
}

/// Bytes of a bounded extent.
fn bytes(volume: &(impl Source + ?Sized), extent: Extent) -> io::Result<Vec<u8>> {
    if extent.end() > volume.size() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut bytes = vec![0; usize::try_from(extent.size).map_err(|_| io::ErrorKind::OutOfMemory)?];
    volume.read_at(extent.offset, &mut bytes)?;
    Ok(bytes)
}
