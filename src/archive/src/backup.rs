//! A backup: every file of a tree, each content once, and a manifest that is written last.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Seek as _};
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use sps_cluster_config::enclose;
use sps_config::Secret;
use tracing::warn;

use crate::error::{BackupError, ShelfError};
use crate::files::{Files, Found, modified, order};
use crate::manifest::{
    Entry, Head, ManifestError, Reader, Writer, backups, content_of, fetch, folder_of, name_at, object_of,
};
use crate::names::{digest, escaped, hex, unescaped};
use crate::run::hashed;
use crate::shelf::{Shelf, Stored};

/// Tries to read a file that changes meanwhile.
const TRIES: u32 = 3;
/// Files that cannot be read told one by one.
const MOST_TOLD: usize = 20;

/// How a file is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Take {
    /// Not at all.
    Leave,
    /// It is written once: one that was in the last backup with this size and time is not read again, and one that changes while it is
    /// read is left to the next.
    Once,
    /// It may change.
    Changing,
    /// This file stands for it: a copy made for the backup.
    Instead(PathBuf),
}

/// Which files of the tree are taken, and how, by their path in it.
pub type Source<'a> = &'a dyn Fn(&[u8]) -> Take;

/// What is to be backed up.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// Where to.
    pub shelf: &'a Shelf,
    /// Name of the appliance.
    pub appliance: &'a str,
    /// Version of the firmware.
    pub product: &'a str,
    /// The tree.
    pub root: &'a Path,
    /// Number of its layout.
    pub layout: u32,
    /// Which of its files.
    pub source: Source<'a>,
    /// A folder for the manifest while it is written.
    pub scratch: &'a Path,
    /// What else is needed to use the backup, which nobody reads without the password.
    pub keys: &'a [u8],
    /// The password.
    pub password: &'a Secret,
    /// When it is, seconds since 1970.
    pub now: u64,
}

/// What was backed up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Name of the backup.
    pub name: String,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Contents that were not on the shelf yet.
    pub stored: u64,
    /// Their bytes.
    pub stored_bytes: u64,
    /// Files that were still being written: the next backup takes them.
    pub left: u64,
    /// Files that the disk does not give: they are not in it.
    pub unread: u64,
    /// The first of them, with the reason.
    pub unread_told: Vec<String>,
}

/// Files of the last backup, in their order.
type Last = Peekable<Box<dyn Iterator<Item = Entry>>>;

struct Work<'a> {
    order: &'a Order<'a>,
    last: Last,
    /// Contents that are on the shelf.
    there: HashSet<[u8; 32]>,
    /// Contents that the manifest names.
    needed: HashSet<[u8; 32]>,
    done: BackedUp,
}

/// Makes a backup. `go_on` is asked before each file.
///
/// # Errors
/// Something could not be read or stored: there is no backup, and what was stored is used by the next.
pub fn back_up(order: &Order<'_>, go_on: &mut dyn FnMut(&BackedUp) -> bool) -> Result<BackedUp, BackupError> {
    let name = name_at(order.now);
    let mut work = Work {
        order,
        last: last(order)?,
        there: contents(order.shelf, order.appliance)?,
        needed: HashSet::new(),
        done: BackedUp {
            name: name.clone(),
            ..BackedUp::default()
        },
    };
    let path = order.scratch.join("manifest");
    let broken = |source| BackupError::Manifest {
        name: name.clone(),
        source,
    };
    let file = File::create(&path).map_err(ShelfError::file("make", &path))?;
    let head = Head::new(order.product, order.layout, order.appliance, order.now);
    let mut manifest = Writer::begin(BufWriter::new(file), &head).map_err(broken)?;
    for found in Files::below(order.root)? {
        if !go_on(&work.done) {
            return Err(BackupError::Stopped);
        }
        if let Some(entry) = work.take(&found?)? {
            manifest.entry(&entry).map_err(broken)?;
            work.done.files += 1;
            work.done.bytes += entry.size;
        }
    }
    work.see_all()?;
    let written = manifest.end(|sha256| enclose(order.keys, sha256, order.password).map_err(Failed::Seal));
    written.map_err(|failed| failed.of(&name))?;
    store_manifest(order, &name, &path)?;
    Ok(work.done)
}

/// Why a manifest was not ended.
enum Failed {
    Seal(sps_cluster_config::ExportError),
    Manifest(ManifestError),
}

impl From<ManifestError> for Failed {
    fn from(error: ManifestError) -> Self {
        Self::Manifest(error)
    }
}

impl Failed {
    fn of(self, name: &str) -> BackupError {
        match self {
            Self::Seal(error) => error.into(),
            Self::Manifest(source) => BackupError::Manifest {
                name: name.to_owned(),
                source,
            },
        }
    }
}

fn store_manifest(order: &Order<'_>, name: &str, path: &Path) -> Result<(), BackupError> {
    let mut file = File::open(path).map_err(ShelfError::file("open", path))?;
    let local = hashed(&mut file, path)?;
    file.rewind().map_err(ShelfError::file("read", path))?;
    let object = object_of(order.appliance, name);
    order.shelf.put(&object, &mut file, &local, path)?;
    Ok(order.shelf.verify(&object, &local)?)
}

/// The files of the last backup; none when there is none that can be read.
fn last(order: &Order<'_>) -> Result<Last, BackupError> {
    let none = || -> Last { (Box::new(std::iter::empty()) as Box<dyn Iterator<Item = Entry>>).peekable() };
    let Some(newest) = backups(order.shelf, Some(order.appliance))?.pop() else {
        return Ok(none());
    };
    let path = order.scratch.join("last-manifest");
    fetch(order.shelf, order.appliance, &newest.name, &path)?;
    let whole = Reader::open(&path).and_then(Reader::check);
    match whole.and_then(|_| Reader::open(&path)) {
        Ok(reader) => {
            let entries = reader.filter_map(Result::ok);
            Ok((Box::new(entries) as Box<dyn Iterator<Item = Entry>>).peekable())
        }
        Err(error) => {
            warn!(
                "the last backup {} is not used, everything is read: {error}",
                newest.name
            );
            Ok(none())
        }
    }
}

/// The contents that are on the shelf.
pub(crate) fn contents(shelf: &Shelf, appliance: &str) -> Result<HashSet<[u8; 32]>, ShelfError> {
    let mut there = HashSet::new();
    let folder = format!("{}/objects", folder_of(appliance));
    shelf.list(&folder, &mut |name, _| {
        there.extend(name.rsplit_once('/').and_then(|(_, last)| digest(last)));
        Ok(())
    })?;
    Ok(there)
}

impl Work<'_> {
    /// Sees to it that a file is on the shelf; nothing when it is not taken.
    fn take(&mut self, found: &Found) -> Result<Option<Entry>, BackupError> {
        let (path, once) = match (self.order.source)(&found.relative) {
            Take::Leave => return Ok(None),
            Take::Once => (found.path.clone(), true),
            Take::Changing => (found.path.clone(), false),
            Take::Instead(path) => (path, false),
        };
        let last = self.of_last(&found.relative);
        if once
            && let Some(last) = last.filter(|last| (last.size, last.modified) == (found.size, found.modified))
            && let Some(sha256) = last.digest().filter(|sha256| self.there.contains(sha256))
        {
            self.needed.insert(sha256);
            return Ok(Some(last));
        }
        match self.store(&path) {
            Ok((stored, modified)) => Ok(Some(Entry {
                path: escaped(&found.relative),
                size: stored.size,
                modified,
                sha256: hex(&stored.sha256),
            })),
            Err(ShelfError::Changed { .. }) if once => {
                self.done.left += 1;
                Ok(None)
            }
            // It went while the backup was made: archived, or its time was over.
            Err(ShelfError::File { source, .. }) if once && source.kind() == std::io::ErrorKind::NotFound => {
                Ok(None)
            }
            // Everything else is backed up all the same; whoever asked for it is told that this is not all.
            Err(ShelfError::File { source, .. }) if once => {
                self.done.unread += 1;
                if self.done.unread_told.len() < MOST_TOLD {
                    let told = format!("{}: {source}", escaped(&found.relative));
                    self.done.unread_told.push(told);
                }
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What the last backup has of a file; both are in the same order.
    fn of_last(&mut self, relative: &[u8]) -> Option<Entry> {
        let before = |entry: &Entry| unescaped(&entry.path).is_none_or(|path| order(&path, relative).is_lt());
        while self.last.next_if(before).is_some() {}
        self.last
            .next_if(|entry| unescaped(&entry.path).as_deref() == Some(relative))
    }

    fn store(&mut self, path: &Path) -> Result<(Stored, i64), ShelfError> {
        for _ in 0..TRIES {
            let mut file = File::open(path).map_err(ShelfError::file("open", path))?;
            let metadata = fs::metadata(path).map_err(ShelfError::file("read", path))?;
            let read = |file: &mut File| file.rewind().map_err(ShelfError::file("read", path));
            let local = sized(&mut file, metadata.len(), path)?;
            if !self.there.contains(&local.sha256) {
                read(&mut file)?;
                let object = content_of(self.order.appliance, &hex(&local.sha256));
                match self.order.shelf.put(&object, &mut file, &local, path) {
                    Err(ShelfError::Changed { .. }) => continue,
                    put => put?,
                }
                self.there.insert(local.sha256);
                self.done.stored += 1;
                self.done.stored_bytes += local.size;
            }
            self.needed.insert(local.sha256);
            return Ok((local, modified(&metadata)));
        }
        Err(ShelfError::Changed { path: path.into() })
    }

    /// Looks whether all contents are there after all.
    fn see_all(&self) -> Result<(), BackupError> {
        let there = contents(self.order.shelf, self.order.appliance)?;
        let missing = self
            .needed
            .iter()
            .filter(|sha256| !there.contains(*sha256))
            .count();
        if missing == 0 {
            return Ok(());
        }
        Err(BackupError::Incomplete {
            place: self.order.shelf.place().to_owned(),
            missing,
        })
    }
}

/// Size and hash of the first `size` bytes: lines that are added meanwhile are the next backup's.
fn sized(file: &mut File, size: u64, path: &Path) -> Result<Stored, ShelfError> {
    let mut bytes = file.take(size);
    let mut digest = DigestOf::default();
    std::io::copy(&mut bytes, &mut digest).map_err(ShelfError::file("read", path))?;
    let stored = digest.end();
    if stored.size == size {
        Ok(stored)
    } else {
        Err(ShelfError::Changed { path: path.into() })
    }
}

#[derive(Default)]
struct DigestOf {
    digest: sha2::Sha256,
    size: u64,
}

impl DigestOf {
    fn end(self) -> Stored {
        Stored {
            size: self.size,
            sha256: sha2::Digest::finalize(self.digest).into(),
        }
    }
}

impl std::io::Write for DigestOf {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        sha2::Digest::update(&mut self.digest, bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
