//! The few steps on disk that the store is made of, so that its tests can cut the power between any two of them.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A folder, and files and folders in it by their relative names.
pub trait Medium: fmt::Debug + Send {
    /// What a name is called in an error.
    fn path(&self, name: &str) -> PathBuf;
    /// The file's first `limit` bytes; none when it is not there.
    fn read(&self, name: &str, limit: usize) -> io::Result<Option<Vec<u8>>>;
    /// Names in a folder; empty when it is not there.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// Makes a folder when it is not there.
    fn create_folder(&mut self, folder: &str) -> io::Result<()>;
    /// Makes or replaces a file's content; not durable.
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file's content durable.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Renames; not durable.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes; not durable.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&mut self, folder: &str) -> io::Result<()>;
}

/// Secrets are in there: only root reads.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// A real folder.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at this path, which need not exist.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }
}

impl Medium for Folder {
    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() {
            self.root.clone()
        } else {
            self.root.join(name)
        }
    }

    fn read(&self, name: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        file.take(u64::try_from(limit).unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read?,
        };
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn create_folder(&mut self, folder: &str) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(self.path(folder))
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(self.path(name))?;
        file.write_all(bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        File::open(self.path(name))?.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_folder(&mut self, folder: &str) -> io::Result<()> {
        File::open(self.path(folder))?.sync_all()
    }
}
