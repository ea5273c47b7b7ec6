//! The files: `boot-<n>-slot-<s>.log`, counted upwards, the oldest removed first. The slot tells whose log it is: a firmware that died before it
//! could keep one must not be judged by that of another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Boots that are kept: three tries of a new firmware, the ones before and after, and some to compare with.
pub const KEPT: usize = 10;
/// Bytes of one boot's log on disk: a day of chatter; a service that complains for ever fills no disk.
pub const MOST: u64 = 4 * 1024 * 1024;
/// Bytes looked at for the last lines.
const TAIL: u64 = 64 * 1024;

/// Why a boot's log cannot be kept or read.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// The folder cannot be used.
    #[error("could not use the folder of boot logs {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be made.
    #[error("could not create the boot log {path}")]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be removed.
    #[error("could not remove the old boot log {path}")]
    Remove {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("could not read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("could not write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The thread cannot be started.
    #[error("could not start the thread that keeps the boot log")]
    Thread(#[source] io::Error),
}

/// The log of one boot on disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootFile {
    /// Counts the boots.
    pub number: u64,
    /// The firmware slot that was started.
    pub slot: u8,
    /// The file.
    pub path: PathBuf,
}

impl BootFile {
    /// Its name without folders.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.number, self.slot)
    }

    fn parse(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let numbers = name.strip_prefix("boot-")?.strip_suffix(".log")?;
        let (number, slot) = numbers.split_once("-slot-")?;
        let (number, slot) = (number.parse().ok()?, slot.parse().ok()?);
        Some(Self { number, slot, path })
    }
}

fn name(number: u64, slot: u8) -> String {
    format!("boot-{number}-slot-{slot}.log")
}

/// The logs in `folder`, oldest first.
///
/// # Errors
/// When the folder cannot be read; one that is missing has no logs.
pub fn logs(folder: &Path) -> Result<Vec<BootFile>, HistoryError> {
    let failed = |source| HistoryError::Folder {
        path: folder.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        found.extend(BootFile::parse(entry.map_err(failed)?.path()));
    }
    found.sort();
    Ok(found)
}

/// The last `lines` lines of `path`.
///
/// # Errors
/// When it cannot be read.
pub fn tail(path: &Path, lines: usize) -> Result<Vec<String>, HistoryError> {
    let bytes = read_tail(path).map_err(|source| HistoryError::Read {
        path: path.to_owned(),
        source,
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    Ok(all[from..].iter().map(|line| (*line).to_owned()).collect())
}

/// Up to `length` bytes of `path` from `offset`; none at its end.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path, offset: u64, length: u32) -> Result<Vec<u8>, HistoryError> {
    let piece = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(u64::from(length)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    piece().map_err(|source| HistoryError::Read {
        path: path.to_owned(),
        source,
    })
}

fn read_tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes room for one more log in `folder` and creates it; for root's eyes only.
/// Makes the file of a boot from `slot`.
pub(crate) fn create(folder: &Path, slot: u8) -> Result<(PathBuf, File), HistoryError> {
    fs::create_dir_all(folder).map_err(|source| HistoryError::Folder {
        path: folder.to_owned(),
        source,
    })?;
    let old = logs(folder)?;
    for log in old.iter().take((old.len() + 1).saturating_sub(KEPT)) {
        fs::remove_file(&log.path).map_err(|source| HistoryError::Remove {
            path: log.path.clone(),
            source,
        })?;
    }
    let next = old.last().map_or(1, |log| log.number.saturating_add(1));
    let path = folder.join(name(next, slot));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path);
    match file.and_then(|file| File::open(folder)?.sync_all().map(|()| file)) {
        Ok(file) => Ok((path, file)),
        Err(source) => Err(HistoryError::Create { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_strangers_stay() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("boot-x.log"), "").unwrap();
        for number in 1..=KEPT as u64 + 3 {
            create(folder.path(), (number % 4) as u8 + 1).unwrap();
        }
        let found = logs(folder.path()).unwrap();
        let kept: Vec<(u64, u8)> = found.iter().map(|log| (log.number, log.slot)).collect();
        let wanted = (4..=KEPT as u64 + 3).map(|number| (number, (number % 4) as u8 + 1));
        assert_eq!(kept, wanted.collect::<Vec<_>>());
        assert!(found.iter().all(|log| log.path.ends_with(log.name())));
        assert!(folder.path().join("boot-x.log").exists());
    }

    #[test]
    fn the_tail_of_a_long_log_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boot-1.log");
        let text: String = (0..50_000).map(|n| format!("line {n}\n")).collect();
        fs::write(&path, text).unwrap();
        assert_eq!(tail(&path, 2).unwrap(), ["line 49998", "line 49999"]);
        assert_eq!(read(&path, 5, 3).unwrap(), b"0\nl");
        assert!(read(&path, 10_000_000, 3).unwrap().is_empty());
        assert!(logs(&folder.path().join("missing")).unwrap().is_empty());
    }
}
