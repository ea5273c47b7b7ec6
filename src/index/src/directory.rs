//! The library's view of the folder: every file encrypted, every small file replaced as a whole.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{DirectoryLock, FileHandle, Lock, WatchCallback, WatchHandle, WritePtr};
use zeroize::Zeroizing;

use crate::cipher::KEY;
use crate::disk::Disk;
use crate::reading::EncryptedFile;
use crate::writing::EncryptedWriter;

/// The folder of an index.
#[derive(Clone, Debug)]
pub(crate) struct Encrypted {
    disk: Arc<dyn Disk>,
    key: Arc<Key>,
    /// Locks that are held. One process opens the index, so that none lies on the disk after a power cut.
    locks: Arc<Mutex<HashSet<PathBuf>>>,
}

struct Key(Zeroizing<[u8; KEY]>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

struct Held {
    locks: Arc<Mutex<HashSet<PathBuf>>>,
    name: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.remove(&self.name);
    }
}

impl Encrypted {
    pub(crate) fn new(disk: Arc<dyn Disk>, key: &[u8; KEY]) -> Self {
        Self {
            disk,
            key: Arc::new(Key(Zeroizing::new(*key))),
            locks: Arc::default(),
        }
    }

    /// A small file as a whole; none when it is not there.
    pub(crate) fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        if !self.disk.exists(name)? {
            return Ok(None);
        }
        let file = EncryptedFile::open(self.disk.open(name)?, &self.key.0, name)?;
        file.all().map(Some)
    }

    /// Written beside, synced, renamed, the folder synced.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let beside = format!("{name}.new");
        let mut writer = EncryptedWriter::create(&*self.disk, &self.key.0, &beside, name)?;
        writer.write_all(bytes)?;
        writer.finish()?;
        self.disk.rename(&beside, name)?;
        self.disk.sync_folder()
    }
}

fn name_of(path: &Path) -> io::Result<&str> {
    path.to_str().filter(|name| !name.contains('/')).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "a file of the index has no plain name",
        )
    })
}

impl tantivy::Directory for Encrypted {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let opened = || {
            let name = name_of(path)?;
            EncryptedFile::open(self.disk.open(name)?, &self.key.0, name)
        };
        match opened() {
            Ok(file) => Ok(Arc::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(OpenReadError::FileDoesNotExist(path.to_owned()))
            }
            Err(error) => Err(OpenReadError::wrap_io_error(error, path.to_owned())),
        }
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        let removed = name_of(path).and_then(|name| self.disk.remove(name));
        removed.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DeleteError::FileDoesNotExist(path.to_owned()),
            _ => DeleteError::IoError {
                io_error: Arc::new(error),
                filepath: path.to_owned(),
            },
        })
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        name_of(path)
            .and_then(|name| self.disk.exists(name))
            .map_err(|error| OpenReadError::wrap_io_error(error, path.to_owned()))
    }

    /// What a stop left under this name belongs to nothing: it is written anew.
    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let created = name_of(path)
            .and_then(|name| EncryptedWriter::create(&*self.disk, &self.key.0, name, name))
            .map_err(|error| OpenWriteError::wrap_io_error(error, path.to_owned()))?;
        Ok(BufWriter::new(Box::new(created)))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let loaded = name_of(path).and_then(|name| self.load(name));
        loaded
            .map_err(|error| OpenReadError::wrap_io_error(error, path.to_owned()))?
            .ok_or_else(|| OpenReadError::FileDoesNotExist(path.to_owned()))
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.replace(name_of(path)?, data)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.disk.sync_folder()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        /// Waits of a hundredth of a second for a lock that is held for the reading of one small file.
        const WAITS: usize = 1000;
        for _ in 0..if lock.is_blocking { WAITS } else { 1 } {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            if locks.insert(lock.filepath.clone()) {
                return Ok(DirectoryLock::from(Box::new(Held {
                    locks: self.locks.clone(),
                    name: lock.filepath.clone(),
                })));
            }
            drop(locks);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Err(LockError::LockBusy)
    }

    fn watch(&self, _: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchHandle::empty())
    }
}
