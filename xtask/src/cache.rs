//! The cache outside the checkout: locks, and entries that appear whole or not at all.
//!
//! Invariant: what stands under its final name is complete: files and folders are written beside, synced
//! and renamed. What a killed build left under a temporary name is removed by the next holder of the lock.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Prefix of unfinished entries; only the holder of the lock creates or removes them.
const UNFINISHED: &str = "tmp-";

/// An exclusive lock on a cache folder, held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    folder: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock of `folder`, creating the folder; waits, saying so, while another process holds it.
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("create the cache folder {}", folder.display()))?;
        let path = folder.join("lock");
        let file = File::create(&path).with_context(|| format!("create the lock file {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!("another build holds {}; waiting for it", path.display());
                file.lock()
                    .with_context(|| format!("wait for the lock {}", path.display()))?;
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("lock {}", path.display()));
            }
        }
        let lock = Self {
            folder: folder.to_path_buf(),
            _file: file,
        };
        lock.remove_unfinished()?;
        Ok(lock)
    }

    /// A new empty folder for work in progress, removed again when the value is dropped.
    pub(crate) fn scratch(&self, name: &str) -> Result<Scratch> {
        let path = self.folder.join(format!("{UNFINISHED}{name}"));
        fs::create_dir(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(Scratch { path })
    }

    fn remove_unfinished(&self) -> Result<()> {
        let entries =
            fs::read_dir(&self.folder).with_context(|| format!("list {}", self.folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("list {}", self.folder.display()))?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// A temporary folder of a cache.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is removed by the next build that takes the lock.
        let _ = remove(&self.path);
    }
}

/// Moves the finished `folder` to its final name, replacing an older entry. Files directly inside are synced first.
pub(crate) fn publish(folder: &Path, destination: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    for entry in entries {
        sync(
            &entry
                .with_context(|| format!("list {}", folder.display()))?
                .path(),
        )?;
    }
    sync(folder)?;
    remove(destination)?;
    fs::rename(folder, destination).with_context(|| format!("rename to {}", destination.display()))?;
    sync_parent(destination)
}

/// Replaces `path` by `content` in one step.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("create the folder {}", parent.display()))?;
    }
    let beside = beside(path);
    let mut file = File::create(&beside).with_context(|| format!("create {}", beside.display()))?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // The half-written file must not stay; the first error is the one that matters.
        let _ = fs::remove_file(&beside);
        return Err(error).with_context(|| format!("write {}", path.display()));
    }
    fs::rename(&beside, path).with_context(|| format!("rename to {}", path.display()))?;
    sync_parent(path)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(format!(".tmp-{}", std::process::id()));
    path.with_file_name(name)
}

fn sync(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .with_context(|| format!("write {} through to the disk", path.display()))
}

fn sync_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), sync)
}

fn remove(path: &Path) -> Result<()> {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let removed = if meta.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.with_context(|| format!("remove {}", path.display()))
}
