//! Reads the directory tree of an ISO 9660 volume (ECMA-119): where each file lies.
//!
//! Invariants: the bytes may come from an enemy: every number is checked before it is used, every loop and every
//! allocation has a named bound, no panic. Only what our own images use is accepted: one extent a file, no
//! extended attributes, no interleaving, no second tree.

use std::collections::BTreeMap;
use std::io;

use thiserror::Error;

use crate::names::MAX_PATH;
use crate::source::{self, Extent, Source};

/// Bytes of a logical block; no other size is accepted.
const BLOCK: u64 = 2048;
/// The volume descriptors begin after the system area (ECMA-119 6.2.1).
const DESCRIPTORS: u64 = 16;
/// Descriptors looked at: ours are three, others have a few more.
const MAX_DESCRIPTORS: u64 = 16;
/// Largest directory: 32 blocks hold some 1,300 records, ours need one block.
const MAX_DIRECTORY: u64 = 32 * BLOCK;
/// Files and folders together; ours are a dozen.
const MAX_ENTRIES: usize = 256;
/// Folders within folders; ours are one deep.
const MAX_DEPTH: usize = 4;

const FLAG_DIRECTORY: u8 = 0x02;
/// Associated file, extended record formats, multi-extent: nothing of ours (ECMA-119 9.1.6).
const FLAGS_REFUSED: u8 = 0xfc;

/// Why the tree of a volume cannot be read.
#[derive(Debug, Error)]
pub enum IsoReadError {
    /// There is no primary volume descriptor.
    #[error("this is not an ISO 9660 image")]
    NotIso,
    /// The volume is longer than the file.
    #[error("the image is truncated: {have} bytes of {need}")]
    Truncated {
        /// Bytes there are.
        have: u64,
        /// Bytes the volume says.
        need: u64,
    },
    /// The file is longer than the volume.
    #[error("the image has {extra} bytes too many after its end")]
    Trailing {
        /// Bytes beyond the end.
        extra: u64,
    },
    /// A structure is not as our images have it.
    #[error("the directory structure of the image is damaged: {reason}")]
    Damaged {
        /// What was found.
        reason: String,
    },
    /// The bytes could not be read.
    #[error("the image cannot be read")]
    Io(#[from] io::Error),
}

fn damaged<T>(reason: impl Into<String>) -> Result<T, IsoReadError> {
    Err(IsoReadError::Damaged {
        reason: reason.into(),
    })
}

/// The files of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Bytes of the volume; exactly the bytes of the image.
    pub size: u64,
    /// Path and place of every file.
    pub files: BTreeMap<String, Extent>,
}

/// Reads the tree.
///
/// # Errors
/// When it is not an ISO, not as long as it says, or not as our images are.
pub fn read(source: &(impl Source + ?Sized)) -> Result<Files, IsoReadError> {
    let descriptor = primary_descriptor(source)?;
    let size = u64::from(both_32(&descriptor, 80)?) * BLOCK;
    check_size(source.size(), size)?;
    if both_16(&descriptor, 128)? != BLOCK as u16 {
        return damaged("its blocks are not of 2,048 bytes");
    }
    let root = record(&descriptor[156..190], size)?;
    let mut walk = Walk {
        source,
        size,
        files: BTreeMap::new(),
        entries: 0,
    };
    walk.directory(root.extent, "", 0)?;
    Ok(Files {
        size,
        files: walk.files,
    })
}

fn check_size(have: u64, need: u64) -> Result<(), IsoReadError> {
    if have < need {
        return Err(IsoReadError::Truncated { have, need });
    }
    if have > need {
        return Err(IsoReadError::Trailing { extra: have - need });
    }
    Ok(())
}

fn primary_descriptor(source: &(impl Source + ?Sized)) -> Result<Vec<u8>, IsoReadError> {
    let mut primary = None;
    for number in 0..MAX_DESCRIPTORS {
        let offset = (DESCRIPTORS + number) * BLOCK;
        if offset + BLOCK > source.size() {
            break;
        }
        let block = source::read(source, Extent { offset, size: BLOCK })?;
        if &block[1..7] != b"CD001\x01" {
            break;
        }
        match block[0] {
            1 if primary.is_none() => primary = Some(block),
            0 => {}
            255 => return primary.ok_or(IsoReadError::NotIso),
            kind => {
                return damaged(format!(
                    "volume descriptor {number} is of the unexpected type {kind}"
                ));
            }
        }
    }
    // Enough of an ISO to know that its end is missing.
    match primary {
        Some(_) => damaged("its volume descriptors have no end"),
        None => Err(IsoReadError::NotIso),
    }
}

struct Walk<'a, S: ?Sized> {
    source: &'a S,
    size: u64,
    files: BTreeMap<String, Extent>,
    entries: usize,
}

impl<S: Source + ?Sized> Walk<'_, S> {
    fn directory(&mut self, extent: Extent, path: &str, depth: usize) -> Result<(), IsoReadError> {
        if depth > MAX_DEPTH || extent.size == 0 || extent.size > MAX_DIRECTORY {
            return damaged(format!("folder {path:?} is too deep or has an impossible size"));
        }
        let bytes = source::read(self.source, extent)?;
        for (index, block) in bytes.chunks(BLOCK as usize).enumerate() {
            // The first two records of a folder are itself and its parent (ECMA-119 6.8.2.2).
            let skip = if index == 0 { 2 } else { 0 };
            for bytes in Records(block).skip(skip) {
                self.entry(bytes?, path, depth)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, bytes: &[u8], parent: &str, depth: usize) -> Result<(), IsoReadError> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return damaged(format!("more than {MAX_ENTRIES} files and folders"));
        }
        let record = record(bytes, self.size)?;
        let name = name(record.identifier, record.directory)?;
        let path = if parent.is_empty() {
            name.to_owned()
        } else {
            format!("{parent}/{name}")
        };
        if path.len() > MAX_PATH {
            return damaged("a path is too long");
        }
        if record.directory {
            return self.directory(record.extent, &path, depth + 1);
        }
        match self.files.insert(path, record.extent) {
            Some(_) => damaged(format!("{name} is listed twice in {parent:?}")),
            None => Ok(()),
        }
    }
}

/// The records of one block; a record of length 0 ends it (ECMA-119 6.8.1.1).
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<&'a [u8], IsoReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(*self.0.first()?);
        if length == 0 {
            return None;
        }
        let Some((record, rest)) = self.0.split_at_checked(length) else {
            self.0 = &[];
            return Some(damaged("a directory record crosses the end of its block"));
        };
        self.0 = rest;
        Some(Ok(record))
    }
}

struct Record<'a> {
    extent: Extent,
    directory: bool,
    identifier: &'a [u8],
}

/// ECMA-119 9.1.
fn record(bytes: &[u8], volume: u64) -> Result<Record<'_>, IsoReadError> {
    if bytes.len() < 34 {
        return damaged("a directory record is too short");
    }
    let extent = Extent {
        offset: u64::from(both_32(bytes, 2)?) * BLOCK,
        size: u64::from(both_32(bytes, 10)?),
    };
    if extent.end() > volume {
        return damaged("a directory record points outside the image");
    }
    let (attributes, flags, unit, gap) = (bytes[1], bytes[25], bytes[26], bytes[27]);
    if attributes != 0 || flags & FLAGS_REFUSED != 0 || unit != 0 || gap != 0 {
        return damaged("a directory record has attributes our images do not use");
    }
    match bytes.get(33..33 + usize::from(bytes[32])) {
        Some(identifier) if !identifier.is_empty() => Ok(Record {
            extent,
            directory: flags & FLAG_DIRECTORY != 0,
            identifier,
        }),
        _ => damaged("a directory record has no name"),
    }
}

fn name(identifier: &[u8], directory: bool) -> Result<&str, IsoReadError> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let name = if directory {
        Some(identifier)
    } else {
        identifier.strip_suffix(b";1")
    };
    let name = name.filter(|name| name.iter().all(plain) && name.iter().any(u8::is_ascii_alphanumeric));
    match name.map(std::str::from_utf8) {
        Some(Ok(name)) => Ok(name.trim_end_matches('.')),
        _ => damaged("a name is not plain"),
    }
}

/// A 32-bit number recorded in both byte orders (ECMA-119 7.3.3); both must agree.
fn both_32(bytes: &[u8], at: usize) -> Result<u32, IsoReadError> {
    let little = bytes
        .get(at..at + 4)
        .and_then(|field| field.try_into().ok())
        .map(u32::from_le_bytes);
    let big = bytes
        .get(at + 4..at + 8)
        .and_then(|field| field.try_into().ok())
        .map(u32::from_be_bytes);
    match little {
        Some(value) if big == Some(value) => Ok(value),
        _ => damaged("a number is not the same in both byte orders"),
    }
}

/// A 16-bit number recorded in both byte orders (ECMA-119 7.2.3).
fn both_16(bytes: &[u8], at: usize) -> Result<u16, IsoReadError> {
    let little = bytes
        .get(at..at + 2)
        .and_then(|field| field.try_into().ok())
        .map(u16::from_le_bytes);
    let big = bytes
        .get(at + 2..at + 4)
        .and_then(|field| field.try_into().ok())
        .map(u16::from_be_bytes);
    match little {
        Some(value) if big == Some(value) => Ok(value),
        _ => damaged("a number is not the same in both byte orders"),
    }
}
