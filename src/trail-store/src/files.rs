//! Files of trails: made, appended to, synced.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Advice, fadvise};

use crate::error::{RecordError, StoreError};

/// Bytes after whose sync the kernel need not keep them: those of a few chunks are not worth a call.
const FORGOTTEN: u64 = 1 << 20;
/// Only root reads trails, encrypted or not.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// The folder of trails, open: by it the whole file system is synced.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    file: File,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|source| StoreError::Folder {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Everything on its file system. Since Linux 5.8 an error of any write since the last call is an error of this one.
    pub(crate) fn sync_all(&self) -> io::Result<()> {
        rustix::fs::syncfs(&self.file).map_err(io::Error::from)
    }

    /// Makes the folders on the way to `path`, and makes their names durable.
    pub(crate) fn make_way(&self, path: &Path) -> io::Result<()> {
        let Some(parent) = path.parent() else {
            return Ok(());
        };
        let missing: Vec<&Path> = parent
            .ancestors()
            .take_while(|folder| *folder != self.path && !folder.is_dir())
            .collect();
        for folder in missing.into_iter().rev() {
            match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            sync_folder(folder)?;
        }
        Ok(())
    }
}

/// Makes the name of a file or a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// A file that is appended to.
#[derive(Debug)]
pub(crate) struct TrailFile {
    file: File,
    pub(crate) size: u64,
    /// What is behind here the kernel may still hold in memory.
    held: u64,
    /// Something was written since the last sync.
    pub(crate) dirty: bool,
}

impl TrailFile {
    /// A new file; one that is there is not touched.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create_new(true).mode(FILE_MODE);
        Ok(Self {
            file: options.open(path)?,
            size: 0,
            held: 0,
            dirty: false,
        })
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.dirty = true;
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.synced();
        Ok(())
    }

    /// It is on the disk. Nobody reads it soon: the memory is better used for what is written next, and for everything else.
    pub(crate) fn synced(&mut self) {
        self.dirty = false;
        let bytes = self.size - self.held;
        if bytes >= FORGOTTEN {
            // Advice: that it is not followed does no harm.
            let _advised = fadvise(&self.file, self.held, NonZeroU64::new(bytes), Advice::DontNeed);
            self.held = self.size;
        }
    }
}

/// An error of the disk, as the session is told.
pub(crate) fn disk(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RecordError {
    move |source| RecordError::Disk {
        operation,
        path: path.to_owned(),
        source: Arc::new(source),
    }
}
