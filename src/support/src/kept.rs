//! Bundles that are kept for whoever asked for one to fetch it: a few, none too large, for a day.
//!
//! A folder with a file for each, called `<key>-<name>`; the key is when it was begun, in seconds since 1970. A file appears under
//! its name when it is complete and on the disk; what was interrupted is removed by the next look.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::bundle::{Bundle, BundleError};
use crate::index::Index;

/// Bundles that are kept; the oldest makes room.
const MOST: usize = 4;
/// Bytes of one. Together they take at most a fifth of `state` (512 MiB).
const MOST_BYTES: u64 = 24 * 1024 * 1024;
/// Seconds for which one is kept.
const KEPT: u64 = 24 * 3600;
/// What the name of an unfinished one begins with.
const UNFINISHED: &str = "new-";

/// Where they are kept.
#[derive(Clone, Debug)]
pub struct Kept {
    folder: PathBuf,
    most_bytes: u64,
}

/// One that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBundle {
    /// When it was begun, seconds since 1970; no two have the same.
    pub key: u64,
    /// File name for whoever fetches it.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Why not.
#[derive(Debug, Error)]
pub enum KeptError {
    /// Reading the folder.
    #[error("could not list the support bundles in {path}")]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making the folder or the file, or making it durable.
    #[error("could not keep the support bundle {path}")]
    Keep {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making the bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Opening or removing a file.
    #[error("could not use the support bundle {path}")]
    Use {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is none with this key.
    #[error("there is no support bundle {0}; they are kept for a day, and the last {MOST} of them")]
    Unknown(u64),
}

impl Kept {
    /// Those in `folder`, which need not exist.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            most_bytes: MOST_BYTES,
        }
    }

    /// Those that are complete, oldest first. What is older than a day at `now` is removed, and what is too many.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self, now: u64) -> Result<Vec<KeptBundle>, KeptError> {
        let mut found = self.found()?;
        let old = |bundle: &KeptBundle| bundle.key.saturating_add(KEPT) <= now;
        let too_many = found.len().saturating_sub(MOST);
        let mut position = 0;
        found.retain(|bundle| {
            position += 1;
            let goes = old(bundle) || position <= too_many;
            if goes {
                // What cannot be removed now is tried again at the next look.
                let _tried = fs::remove_file(self.path(bundle));
            }
            !goes
        });
        Ok(found)
    }

    /// Makes a bundle and keeps it. One at a time: what else is unfinished is removed.
    ///
    /// # Errors
    /// It could not be made, is too large, or could not be written; then nothing is kept.
    pub fn keep(&self, bundle: Bundle, key: u64) -> Result<(KeptBundle, Index), KeptError> {
        let name = bundle.name();
        let path = self.folder.join(format!("{key}-{name}"));
        let failed = |source| KeptError::Keep {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        self.remove_unfinished()?;
        let beside = self.folder.join(format!("{UNFINISHED}{key}"));
        let file = File::create(&beside).map_err(failed)?;
        let mut out = Bounded {
            file,
            left: self.most_bytes,
        };
        let written = bundle.write(&mut out).map_err(KeptError::from).and_then(|index| {
            out.file.sync_all().map_err(failed)?;
            fs::rename(&beside, &path).map_err(failed)?;
            let folder = File::open(&self.folder).map_err(failed)?;
            folder.sync_all().map_err(failed)?;
            Ok(index)
        });
        if written.is_err() {
            // The next one removes it otherwise.
            let _tried = fs::remove_file(&beside);
        }
        let kept = KeptBundle {
            key,
            name,
            bytes: self.most_bytes - out.left,
        };
        Ok((kept, written?))
    }

    /// Opens one for reading.
    ///
    /// # Errors
    /// There is none with this key, or it cannot be opened.
    pub fn open(&self, key: u64, now: u64) -> Result<(KeptBundle, File), KeptError> {
        let bundle = self.find(key, now)?;
        let path = self.path(&bundle);
        match File::open(&path) {
            Ok(file) => Ok((bundle, file)),
            Err(source) => Err(KeptError::Use { path, source }),
        }
    }

    /// Removes one.
    ///
    /// # Errors
    /// There is none with this key, or it cannot be removed.
    pub fn remove(&self, key: u64, now: u64) -> Result<(), KeptError> {
        let path = self.path(&self.find(key, now)?);
        fs::remove_file(&path).map_err(|source| KeptError::Use { path, source })
    }

    fn find(&self, key: u64, now: u64) -> Result<KeptBundle, KeptError> {
        let found = self.list(now)?.into_iter().find(|bundle| bundle.key == key);
        found.ok_or(KeptError::Unknown(key))
    }

    fn found(&self) -> Result<Vec<KeptBundle>, KeptError> {
        let mut found: Vec<_> = self.entries()?.iter().filter_map(kept).collect();
        found.sort_by_key(|bundle| bundle.key);
        Ok(found)
    }

    fn remove_unfinished(&self) -> Result<(), KeptError> {
        for entry in self.entries()? {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                let path = entry.path();
                fs::remove_file(&path).map_err(|source| KeptError::Use { path, source })?;
            }
        }
        Ok(())
    }

    fn entries(&self) -> Result<Vec<fs::DirEntry>, KeptError> {
        let failed = |source| KeptError::List {
            path: self.folder.clone(),
            source,
        };
        match fs::read_dir(&self.folder) {
            Ok(entries) => entries.collect::<Result<_, _>>().map_err(failed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failed(error)),
        }
    }

    fn path(&self, bundle: &KeptBundle) -> PathBuf {
        self.folder.join(format!("{}-{}", bundle.key, bundle.name))
    }
}

fn kept(entry: &fs::DirEntry) -> Option<KeptBundle> {
    let name = entry.file_name().into_string().ok()?;
    let (key, name) = name.split_once('-')?;
    Some(KeptBundle {
        key: key.parse().ok()?,
        name: name.to_owned(),
        bytes: entry.metadata().ok()?.len(),
    })
}

/// A file that takes no more than its bound.
struct Bounded {
    file: File,
    left: u64,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "it is larger than what is kept; write it to a stick instead",
            ));
        }
        let written = self.file.write(bytes)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::source::Source;
    use crate::standard::Roots;

    const NOW: u64 = 1_800_000_000;

    fn bundle(text: &'static str) -> Bundle {
        let roots = Roots {
            state: None,
            proc: "/nonexistent".into(),
            sys: "/nonexistent".into(),
            ..Roots::default()
        };
        let fact = Source::fact("boot.log", move || Ok(text.as_bytes().to_vec()));
        Bundle::new("gate", NOW, "b1", &roots).with_facts([fact])
    }

    fn keys(kept: &Kept, now: u64) -> Vec<u64> {
        kept.list(now).unwrap().iter().map(|bundle| bundle.key).collect()
    }

    #[test]
    fn one_is_kept_for_a_day_and_can_be_fetched_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::new(&folder.path().join("bundles"));
        assert!(keys(&kept, NOW).is_empty());
        let (made, _) = kept.keep(bundle("one"), NOW).unwrap();
        let (again, _) = kept.keep(bundle("two"), NOW + 1).unwrap();
        let (found, mut file) = kept.open(NOW, NOW + 5).unwrap();
        assert_eq!(found, made);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, made.bytes);
        assert_eq!(&bytes[..4], &[0x28, 0xb5, 0x2f, 0xfd], "zstd");
        kept.remove(again.key, NOW + 5).unwrap();
        assert!(matches!(
            kept.remove(again.key, NOW + 5),
            Err(KeptError::Unknown(_))
        ));
        assert_eq!(keys(&kept, NOW + KEPT - 1), [NOW]);
        assert!(keys(&kept, NOW + KEPT).is_empty());
        assert_eq!(fs::read_dir(folder.path().join("bundles")).unwrap().count(), 0);
    }

    #[test]
    fn the_oldest_makes_room_and_what_is_unfinished_or_too_large_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Kept::new(folder.path());
        fs::write(folder.path().join("new-17"), "cut short").unwrap();
        fs::write(folder.path().join("stranger"), "x").unwrap();
        for key in NOW..NOW + 6 {
            kept.keep(bundle("text"), key).unwrap();
        }
        assert_eq!(keys(&kept, NOW + 6), [NOW + 2, NOW + 3, NOW + 4, NOW + 5]);
        kept.most_bytes = 20;
        assert!(kept.keep(bundle("too large"), NOW + 7).is_err());
        assert_eq!(keys(&kept, NOW + 7).len(), MOST);
        let names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), MOST + 1, "{names:?}");
    }
}
