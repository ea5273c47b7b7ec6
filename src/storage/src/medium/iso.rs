//! Files of an ISO 9660 volume that somebody else made, found without mounting it (ECMA-119, with the names of Rock Ridge or Joliet where
//! the volume has them).
//!
//! Invariant: the volume may come from an enemy: every number is checked before it is used, every loop has a named bound, no panic. The reader of
//! our own ISOs, `sps_image::iso9660`, is stricter and does not take what other tools make.

use std::io;

use sps_image::source::{Extent, Source};

use super::{Entry, MOST_FILE};

/// Bytes of a logical block.
const BLOCK: u64 = 2048;
/// The first volume descriptor (ECMA-119 6.2.1).
const FIRST: u64 = 16;
/// Volume descriptors looked at.
const MOST_DESCRIPTORS: u64 = 16;
/// Bytes of a folder that are looked at: some 2,000 files.
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

/// Whether the volume begins as an ISO 9660 volume does.
pub(super) fn is_iso<S: Source + ?Sized>(volume: &S) -> bool {
    descriptor(volume, 0).is_some()
}

/// Where the file at `path` lies, whatever the case; nothing when this is no ISO or has no such file.
pub(super) fn find<S: Source + ?Sized>(volume: &S, path: &str) -> io::Result<Option<Extent>> {
    for (names, root) in trees(volume) {
        let found = in_tree(volume, names, root, path)?;
        if found.is_some_and(|found| found.size > MOST_FILE || found.end() > volume.size()) {
            return Err(io::Error::other(
                "the file is too large, or lies beyond the end of the disc",
            ));
        }
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The files of the root folder, by the longest names the volume has.
pub(super) fn list<S: Source + ?Sized>(volume: &S) -> io::Result<Vec<Entry>> {
    let trees = trees(volume);
    let joliet = trees.iter().find(|(names, _)| *names == Names::Joliet);
    let Some((names, root)) = joliet.or(trees.first()) else {
        return Ok(Vec::new());
    };
    let folder = folder(volume, *root)?;
    let files = records(&folder).filter(|record| record[25] & FLAG_DIRECTORY == 0);
    Ok(files
        .map(|record| Entry {
            name: name(record, *names),
            size: place(record).size,
        })
        .collect())
}

/// A volume descriptor; nothing when there is none.
fn descriptor(volume: &(impl Source + ?Sized), number: u64) -> Option<[u8; BLOCK as usize]> {
    let mut descriptor = [0; BLOCK as usize];
    let read = volume.read_at((FIRST + number) * BLOCK, &mut descriptor);
    (read.is_ok() && &descriptor[1..6] == b"CD001").then_some(descriptor)
}

/// The trees of the volume: how names are written, and the root folder.
fn trees(volume: &(impl Source + ?Sized)) -> Vec<(Names, Extent)> {
    let mut trees = Vec::new();
    for number in 0..MOST_DESCRIPTORS {
        let Some(descriptor) = descriptor(volume, number) else {
            break;
        };
        let names = match descriptor[0] {
            1 => Names::Plain,
            2 if is_joliet(&descriptor) => Names::Joliet,
            255 => break,
            _ => continue,
        };
        trees.push((names, place(&descriptor[156..190])));
    }
    trees
}

/// The escape sequences of the three levels of Joliet.
fn is_joliet(descriptor: &[u8; BLOCK as usize]) -> bool {
    matches!(&descriptor[88..91], b"%/@" | b"%/C" | b"%/E")
}

/// Follows a path from the root folder.
fn in_tree(
    volume: &(impl Source + ?Sized),
    names: Names,
    root: Extent,
    path: &str,
) -> io::Result<Option<Extent>> {
    let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
    let mut at = root;
    while let Some(part) = parts.next() {
        let wanted = if parts.peek().is_some() { FLAG_DIRECTORY } else { 0 };
        let folder = folder(volume, at)?;
        let mut records = records(&folder);
        let found =
            records.find(|record| record[25] & FLAG_DIRECTORY == wanted && is_named(record, names, part));
        match found.map(place) {
            Some(found) if wanted == 0 => return Ok(Some(found)),
            Some(found) => at = found,
            None => return Ok(None),
        }
    }
    Ok(None)
}

fn folder(volume: &(impl Source + ?Sized), at: Extent) -> io::Result<Vec<u8>> {
    let size = at.size.min(MOST_FOLDER);
    bytes(volume, Extent { size, ..at })
}

/// The records of a folder. None crosses a block (ECMA-119 6.8.1.1).
fn records(folder: &[u8]) -> impl Iterator<Item = &[u8]> {
    let blocks = folder.chunks(BLOCK as usize);
    blocks.flat_map(|block| Records { rest: block })
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
    own_name(record, names).eq_ignore_ascii_case(wanted)
        || (names == Names::Plain && rock_ridge(record).eq_ignore_ascii_case(wanted))
}

/// The name for people.
fn name(record: &[u8], names: Names) -> String {
    let long = rock_ridge(record);
    if names == Names::Plain && !long.is_empty() {
        long
    } else {
        own_name(record, names)
    }
}

/// The name in the record itself.
fn own_name(record: &[u8], names: Names) -> String {
    let own = &record[BEFORE_NAME..name_end(record)];
    if names == Names::Plain {
        return plain(own);
    }
    let units = own.as_chunks::<2>().0.iter();
    let units: Vec<u16> = units.map(|pair| u16::from_be_bytes(*pair)).collect();
    plain(String::from_utf16_lossy(&units).as_bytes())
}

fn name_end(record: &[u8]) -> usize {
    BEFORE_NAME + usize::from(record[32])
}

/// The name without its version.
fn plain(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let text = text.split(';').next().unwrap_or_default();
    text.trim_end_matches('.').to_owned()
}

/// The name in the system use area: entries `NM` of the Rock Ridge Interchange Protocol (4.1.4), joined.
fn rock_ridge(record: &[u8]) -> String {
    // A padding byte makes the name's length even (ECMA-119 9.1.12).
    let end = name_end(record);
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
