//! A backup, built again in an empty folder: everything whose hash is right, or nothing.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sps_config::Secret;
use zeroize::Zeroizing;

use crate::error::{BackupError, ShelfError};
use crate::files::joined;
use crate::manifest::{Entry, ManifestError, Reader, content_of, fetch};
use crate::names::unescaped;
use crate::shelf::{Shelf, Stored};

/// Only root reads what lies here.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A backup that was looked at, or restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Version of the firmware that made it.
    pub product: String,
    /// Layout of its tree.
    pub layout: u32,
    /// When it was made, seconds since 1970.
    pub at: u64,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What was enclosed with the password.
    pub keys: Zeroizing<Vec<u8>>,
}

/// Fetches the manifest of the backup `name` of `appliance` into `scratch`, and judges it: whole, of a layout up to `latest`, and the
/// password opens it.
///
/// # Errors
/// There is no such backup, or it cannot be used.
pub fn inspect(
    shelf: &Shelf,
    (appliance, name): (&str, &str),
    password: &Secret,
    latest: u32,
    scratch: &Path,
) -> Result<Restored, BackupError> {
    let path = scratch.join("manifest");
    fetch(shelf, appliance, name, &path)?;
    let broken = |source| BackupError::Manifest {
        name: name.to_owned(),
        source,
    };
    let (head, tail) = Reader::open(&path).and_then(Reader::check).map_err(broken)?;
    if head.layout > latest {
        return Err(broken(ManifestError::Layout {
            found: head.layout,
            known: latest,
            product: head.product,
        }));
    }
    let keys = tail.open(password).map_err(|source| BackupError::Open {
        name: name.to_owned(),
        source,
    })?;
    Ok(Restored {
        product: head.product,
        layout: head.layout,
        at: head.at,
        files: tail.files,
        bytes: tail.bytes,
        keys,
    })
}

/// Builds the files of the backup that [`inspect`] found good below `root`, an empty folder. `may` says which paths belong there;
/// `go_on` is asked before each file with the files and bytes that are done. Nothing is made permanent here.
///
/// # Errors
/// A file is damaged or missing, or a step failed: what was built is of no use.
pub fn restore(
    shelf: &Shelf,
    (appliance, name): (&str, &str),
    root: &Path,
    scratch: &Path,
    may: &dyn Fn(&[u8]) -> bool,
    go_on: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<(), BackupError> {
    let broken = |source| BackupError::Manifest {
        name: name.to_owned(),
        source,
    };
    room(root, &scratch.join("manifest")).map_err(broken)?;
    let (mut files, mut bytes) = (0, 0);
    for (place, entry) in Reader::open(&scratch.join("manifest"))
        .map_err(broken)?
        .enumerate()
    {
        let entry = entry.map_err(broken)?;
        if !go_on(files, bytes) {
            return Err(BackupError::Stopped);
        }
        let relative = unescaped(&entry.path).filter(|path| may(path));
        let line = place as u64 + 2;
        let relative = relative.ok_or_else(|| broken(ManifestError::Line { line }))?;
        let built = build(shelf, appliance, root, &relative, &entry);
        built.map_err(|source| BackupError::File {
            name: name.to_owned(),
            path: entry.path.clone(),
            source: Box::new(source),
        })?;
        files += 1;
        bytes += entry.size;
    }
    Ok(())
}

/// Builds those files of the backup that [`inspect`] found good for which `place` says where; nothing may be there yet. `go_on` is asked
/// before each of them with the files and bytes that are done; `keep` gets each that is whole and on the disk, but for its name.
///
/// # Errors
/// A file is damaged or missing, or a step failed: what was built before is whole.
pub fn restore_some(
    shelf: &Shelf,
    (appliance, name): (&str, &str),
    scratch: &Path,
    place: &dyn Fn(&[u8]) -> Option<PathBuf>,
    keep: &mut dyn FnMut(&[u8], &Path) -> std::io::Result<()>,
    go_on: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<(), BackupError> {
    let broken = |source| BackupError::Manifest {
        name: name.to_owned(),
        source,
    };
    let (mut files, mut bytes) = (0, 0);
    for entry in Reader::open(&scratch.join("manifest")).map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let Some(relative) = unescaped(&entry.path) else {
            continue;
        };
        let Some(path) = place(&relative) else { continue };
        if !go_on(files, bytes) {
            return Err(BackupError::Stopped);
        }
        let built = build_at(shelf, appliance, &path, &entry);
        let built = built.and_then(|file| {
            let kept = file.sync_all().and_then(|()| keep(&relative, &path));
            kept.map_err(ShelfError::file("keep", &path))
        });
        built.map_err(|source| BackupError::File {
            name: name.to_owned(),
            path: entry.path.clone(),
            source: Box::new(source),
        })?;
        files += 1;
        bytes += entry.size;
    }
    Ok(())
}

fn room(root: &Path, manifest: &Path) -> Result<(), ManifestError> {
    let (_, tail) = Reader::open(manifest)?.check()?;
    let told = rustix::fs::statvfs(root).map_err(std::io::Error::from)?;
    let free = told.f_bavail.saturating_mul(told.f_frsize);
    let needed = tail.bytes;
    if needed > free {
        return Err(ManifestError::NoRoom { needed, free });
    }
    Ok(())
}

fn build(
    shelf: &Shelf,
    appliance: &str,
    root: &Path,
    relative: &[u8],
    entry: &Entry,
) -> Result<(), ShelfError> {
    build_at(shelf, appliance, &joined(root, relative), entry).map(|_| ())
}

/// One file, whole.
fn build_at(shelf: &Shelf, appliance: &str, path: &Path, entry: &Entry) -> Result<File, ShelfError> {
    if let Some(folder) = path.parent() {
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
        made.map_err(ShelfError::file("make", folder))?;
    }
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path);
    let mut file = opened.map_err(ShelfError::file("make", path))?;
    let object = content_of(appliance, &entry.sha256);
    let found = shelf.get(&object, &mut file)?;
    let wanted = Stored {
        size: entry.size,
        sha256: entry.digest().unwrap_or_default(),
    };
    if found == wanted {
        return Ok(file);
    }
    fs::remove_file(path).map_err(ShelfError::file("remove", path))?;
    Err(ShelfError::Differs {
        place: shelf.place().to_owned(),
        name: object,
    })
}
