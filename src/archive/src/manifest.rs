//! The manifest of a backup: one JSON document a line, so that a million files are read one after the other.
//!
//! ```text
//! {"format":"sps-backup","form":1,"product":"7.0.0","layout":5,"appliance":"sps","at":1800000000}
//! {"path":"audit/2026/11/22/ssh-….zat","size":48213,"modified":…,"sha256":"…"}
//! {"files":1,"bytes":48213,"sha256":"…","keys":"…"}
//! ```
//!
//! The last line holds the SHA-256 of everything before it, and the keys in an envelope with a password; the envelope opens only for
//! that SHA-256: whoever has no password cannot make a manifest that is taken.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sps_cluster_config::disclose;
use sps_config::Secret;
use thiserror::Error;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::{BackupError, ShelfError};
use crate::names::{digest, hex, part, unescaped};
use crate::shelf::Shelf;

/// What it is.
const FORMAT: &str = "sps-backup";
/// Number of its form.
const FORM: u32 = 1;
/// Longest line, bytes: the keys of the largest configuration.
const MOST_LINE: u64 = 32 * 1024 * 1024;
/// Folder of all backups on a shelf.
pub(crate) const FOLDER: &str = "backup";
/// Ending of a manifest's name.
const ENDING: &str = ".manifest";

/// Why a manifest cannot be used.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Reading or writing it.
    #[error("its manifest cannot be read or written here")]
    File(#[from] io::Error),
    /// A line is not what it should be.
    #[error("its manifest is damaged in line {line}: take another backup")]
    Line {
        /// The line, from 1.
        line: u64,
    },
    /// Something was changed, or the end is missing.
    #[error("its manifest is not whole: take another backup")]
    Digest,
    /// It is of a later form.
    #[error("it was made by a later firmware: upgrade first")]
    Form,
    /// The tree is of a later layout.
    #[error(
        "it is of layout {found} (firmware {product}), and this firmware knows none beyond {known}: upgrade first, then restore"
    )]
    Layout {
        /// Its layout.
        found: u32,
        /// The latest that is known.
        known: u32,
        /// Version that made it.
        product: String,
    },
    /// There is not enough room.
    #[error("it needs {needed} bytes and {free} are free: enlarge the disk")]
    NoRoom {
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    format: String,
    form: u32,
    pub(crate) product: String,
    pub(crate) layout: u32,
    pub(crate) appliance: String,
    pub(crate) at: u64,
}

impl Head {
    pub(crate) fn new(product: &str, layout: u32, appliance: &str, at: u64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            form: FORM,
            product: product.to_owned(),
            layout,
            appliance: appliance.to_owned(),
            at,
        }
    }
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// As `names::escaped` writes it.
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) modified: i64,
    pub(crate) sha256: String,
}

impl Entry {
    pub(crate) fn digest(&self) -> Option<[u8; 32]> {
        digest(&self.sha256)
    }
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tail {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    sha256: String,
    keys: String,
}

impl Tail {
    /// The keys.
    pub(crate) fn open(
        &self,
        password: &Secret,
    ) -> Result<Zeroizing<Vec<u8>>, sps_cluster_config::OpenError> {
        disclose(&self.keys, &self.sha256, password)
    }
}

/// Writes a manifest.
pub(crate) struct Writer<W> {
    to: W,
    digest: Sha256,
    files: u64,
    bytes: u64,
}

impl<W: Write> Writer<W> {
    pub(crate) fn begin(to: W, head: &Head) -> Result<Self, ManifestError> {
        let mut own = Self {
            to,
            digest: Sha256::new(),
            files: 0,
            bytes: 0,
        };
        own.line(head)?;
        Ok(own)
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), ManifestError> {
        let mut text = serde_json::to_vec(line).map_err(io::Error::from)?;
        text.push(b'\n');
        self.digest.update(&text);
        Ok(self.to.write_all(&text)?)
    }

    pub(crate) fn entry(&mut self, entry: &Entry) -> Result<(), ManifestError> {
        self.files += 1;
        self.bytes += entry.size;
        self.line(entry)
    }

    /// Ends it; `keys` encloses the keys for the digest it is given.
    pub(crate) fn end<E: From<ManifestError>>(
        mut self,
        keys: impl FnOnce(&str) -> Result<String, E>,
    ) -> Result<W, E> {
        let sha256 = hex(&std::mem::take(&mut self.digest).finalize());
        let tail = Tail {
            files: self.files,
            bytes: self.bytes,
            keys: keys(&sha256)?,
            sha256,
        };
        self.line(&tail)?;
        self.to.flush().map_err(ManifestError::from)?;
        Ok(self.to)
    }
}

/// Reads a manifest.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    from: BufReader<R>,
    pub(crate) head: Head,
    digest: Sha256,
    line: u64,
    ended: bool,
    /// The last line, once everything before it was read and is what was written.
    pub(crate) tail: Option<Tail>,
}

/// A line after the first.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Entry(Entry),
    Tail(Tail),
}

impl Reader<File> {
    pub(crate) fn open(path: &Path) -> Result<Self, ManifestError> {
        Self::new(File::open(path)?)
    }
}

impl<R: Read> Reader<R> {
    fn new(from: R) -> Result<Self, ManifestError> {
        let mut from = BufReader::new(from);
        let text = next_line(&mut from)?.ok_or(ManifestError::Digest)?;
        let head: Head = serde_json::from_slice(&text).map_err(|_| ManifestError::Line { line: 1 })?;
        if head.format != FORMAT {
            return Err(ManifestError::Line { line: 1 });
        }
        if head.form != FORM {
            return Err(ManifestError::Form);
        }
        Ok(Self {
            from,
            head,
            digest: Sha256::new_with_prefix(&text),
            line: 1,
            ended: false,
            tail: None,
        })
    }

    fn step(&mut self) -> Result<Option<Entry>, ManifestError> {
        self.line += 1;
        let damaged = ManifestError::Line { line: self.line };
        let Some(text) = next_line(&mut self.from)? else {
            return Err(ManifestError::Digest);
        };
        match serde_json::from_slice(&text) {
            Ok(Line::Entry(entry)) if entry.digest().is_some() && unescaped(&entry.path).is_some() => {
                self.digest.update(&text);
                Ok(Some(entry))
            }
            Ok(Line::Tail(tail)) => {
                let whole = hex(&std::mem::take(&mut self.digest).finalize()) == tail.sha256;
                if !whole || next_line(&mut self.from)?.is_some() {
                    return Err(ManifestError::Digest);
                }
                self.tail = Some(tail);
                Ok(None)
            }
            _ => Err(damaged),
        }
    }

    /// Reads all of it; its last line, when it is whole.
    pub(crate) fn check(mut self) -> Result<(Head, Tail), ManifestError> {
        for entry in &mut self {
            entry?;
        }
        let tail = self.tail.ok_or(ManifestError::Digest)?;
        Ok((self.head, tail))
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Entry, ManifestError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let step = self.step();
        self.ended = !matches!(step, Ok(Some(_)));
        step.transpose()
    }
}

fn next_line(from: &mut BufReader<impl Read>) -> Result<Option<Vec<u8>>, ManifestError> {
    let mut text = Vec::new();
    from.take(MOST_LINE).read_until(b'\n', &mut text)?;
    match text.last() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(text)),
        Some(_) => Err(ManifestError::Digest),
    }
}

/// Judges the bytes of a manifest: files and bytes of the backup when it is whole.
///
/// # Errors
/// What is wrong with it.
pub fn judge(bytes: &[u8]) -> Result<(u64, u64), ManifestError> {
    let (_, tail) = Reader::new(bytes)?.check()?;
    Ok((tail.files, tail.bytes))
}

/// A backup on a shelf.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Backup {
    /// Name of the appliance.
    pub appliance: String,
    /// Its name: when it was made, such as `20261122T030000Z`.
    pub name: String,
    /// Bytes of its manifest.
    pub size: u64,
}

/// The backups there are, the oldest first of each appliance; of all appliances when none is named.
///
/// # Errors
/// The shelf cannot be listed.
pub fn backups(shelf: &Shelf, appliance: Option<&str>) -> Result<Vec<Backup>, ShelfError> {
    let folder = appliance.map_or_else(
        || FOLDER.to_owned(),
        |appliance| format!("{}/manifests", folder_of(appliance)),
    );
    let mut found = Vec::new();
    shelf.list(&folder, &mut |name, size| {
        let mut parts = name.split('/').skip(1);
        if let (Some(appliance), Some("manifests"), Some(last), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
            && let Some(name) = last.strip_suffix(ENDING)
        {
            found.push(Backup {
                appliance: appliance.to_owned(),
                name: name.to_owned(),
                size,
            });
        }
        Ok(())
    })?;
    found.sort_unstable();
    Ok(found)
}

/// Folder of an appliance.
pub(crate) fn folder_of(appliance: &str) -> String {
    format!("{FOLDER}/{}", part(appliance))
}

/// The object of a manifest.
pub(crate) fn object_of(appliance: &str, name: &str) -> String {
    format!("{}/manifests/{}{ENDING}", folder_of(appliance), part(name))
}

/// The object of a content.
pub(crate) fn content_of(appliance: &str, sha256: &str) -> String {
    let begin = sha256.get(..2).unwrap_or_default();
    format!("{}/objects/{begin}/{sha256}", folder_of(appliance))
}

/// The name of a backup made at a moment.
pub(crate) fn name_at(at: u64) -> String {
    let moment = i64::try_from(at)
        .ok()
        .and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (moment.year(), u8::from(moment.month()), moment.day());
    let (hour, minute, second) = (moment.hour(), moment.minute(), moment.second());
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Fetches a manifest to a local file.
pub(crate) fn fetch(shelf: &Shelf, appliance: &str, name: &str, to: &Path) -> Result<(), BackupError> {
    let mut file = File::create(to).map_err(ShelfError::file("make", to))?;
    match shelf.get(&object_of(appliance, name), &mut file) {
        Ok(_) => Ok(()),
        Err(ShelfError::Operation { source, .. })
            if matches!(*source, object_store::Error::NotFound { .. }) =>
        {
            Err(BackupError::None {
                place: shelf.place().to_owned(),
                name: name.to_owned(),
            })
        }
        Err(error) => Err(error.into()),
    }
}
