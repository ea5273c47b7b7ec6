//! The few steps on disk that the index is made of, so that its tests can cut the power between any two of them.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One folder with files in it, by their names.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// What the folder is called in an error.
    fn folder(&self) -> PathBuf;
    /// Makes a file, empty; not durable.
    fn create(&self, name: &str) -> io::Result<Box<dyn Sink>>;
    /// Opens a file; it stays readable when it is removed.
    fn open(&self, name: &str) -> io::Result<Arc<dyn Source>>;
    /// Whether the file is there.
    fn exists(&self, name: &str) -> io::Result<bool>;
    /// Renames, over what is there; not durable.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes; not durable.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes the names in the folder durable.
    fn sync_folder(&self) -> io::Result<()>;
}

/// A file that is written from its beginning.
pub trait Sink: Send + Sync {
    /// Appends; not durable.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes the content durable. Nothing is appended afterwards.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that is read.
pub trait Source: fmt::Debug + Send + Sync {
    /// Its bytes.
    fn length(&self) -> u64;
    /// Fills `out` with the bytes from `at` on.
    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()>;
}

/// What sessions showed is in there, if encrypted: only root reads.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// A real folder.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at this path; made when it is not there.
    ///
    /// # Errors
    /// It could not be made.
    pub fn make(root: &Path) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(FOLDER_MODE).create(root)?;
        if let Some(parent) = root.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self {
            root: root.to_owned(),
        })
    }
}

#[derive(Debug)]
struct Writing(File);

#[derive(Debug)]
struct Reading {
    file: File,
    length: u64,
}

impl Disk for Folder {
    fn folder(&self) -> PathBuf {
        self.root.clone()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Sink>> {
        let path = self.root.join(name);
        // What a stop left here may stand in the tree of another firmware too: it is replaced, and not changed.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(FILE_MODE);
        Ok(Box::new(Writing(options.open(path)?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn Source>> {
        let file = File::open(self.root.join(name))?;
        let length = file.metadata()?.len();
        Ok(Arc::new(Reading { file, length }))
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.root.join(name).try_exists()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.root.join(from), self.root.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.root.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.root)?.sync_all()
    }
}

impl Sink for Writing {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

impl Source for Reading {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, at)
    }
}
