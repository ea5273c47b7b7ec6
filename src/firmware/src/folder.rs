//! A folder and what is done in it: by descriptor, never following a link, never leaving it.
//!
//! Invariant: every name is one component and is resolved with `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
//! RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV` (openat2(2)), so a link or a mount inside is an error, not a way out.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::step::{Step, Steps};

/// Folders within folders that are removed; a slot has none.
const MAX_DEPTH: usize = 16;
/// Entries of a folder that are looked at; a slot has eight.
const MAX_ENTRIES: usize = 4096;

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder {
    file: File,
    /// Path from the top, for messages.
    path: String,
    steps: Steps,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Other,
}

impl Folder {
    /// Opens the folder at the top; its path is trusted.
    pub(crate) fn top(path: &Path, steps: Steps) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        Ok(Self {
            file: file.into(),
            path: String::new(),
            steps,
        })
    }

    /// Path from the top of something in it, for messages.
    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.path)
        }
    }

    fn open(&self, name: &str, flags: OFlags, mode: Mode) -> io::Result<File> {
        let resolve = ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_XDEV;
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::openat2(&self.file, name, flags, mode, resolve)?;
        Ok(file.into())
    }

    /// A folder in it.
    pub(crate) fn folder(&self, name: &str) -> io::Result<Self> {
        let file = self.open(name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        Ok(Self {
            file,
            path: self.path_of(name),
            steps: self.steps.clone(),
        })
    }

    /// A folder in it, made and synced if it is not there.
    pub(crate) fn folder_made(&self, name: &str) -> io::Result<Self> {
        match self.folder(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        self.steps.before(|| Step::MakeFolder(self.path_of(name)))?;
        rustix::fs::mkdirat(&self.file, name, Mode::RWXU)?;
        self.sync()?;
        self.folder(name)
    }

    /// What a name stands for; links are not followed.
    pub(crate) fn kind(&self, name: &str) -> io::Result<Kind> {
        let stat = rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(kind_of(&stat))
    }

    /// A regular file, open for reading.
    pub(crate) fn file(&self, name: &str) -> io::Result<File> {
        // Without waiting for a writer, should it be a pipe.
        let file = self.open(name, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty())?;
        if kind_of(&rustix::fs::fstat(&file)?) == Kind::File {
            Ok(file)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
        }
    }

    /// The content of a regular file of at most `limit` bytes.
    pub(crate) fn read(&self, name: &str, limit: usize) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let file = self.file(name)?;
        file.take(limit as u64 + 1).read_to_end(&mut content)?;
        if content.len() > limit {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "longer than it can be",
            ));
        }
        Ok(content)
    }

    /// A new file to write to; there must be none of that name.
    pub(crate) fn create(&self, name: &str) -> io::Result<NewFile> {
        let path = self.path_of(name);
        self.steps.before(|| Step::Create(path.clone()))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        Ok(NewFile {
            file: self.open(name, flags, Mode::RUSR | Mode::WUSR)?,
            path,
            steps: self.steps.clone(),
        })
    }

    /// A file without a name, for reading and writing: it is gone when it is closed, whatever closes it.
    pub(crate) fn unnamed(&self) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.file, ".", flags, Mode::RUSR | Mode::WUSR)?;
        Ok(file.into())
    }

    /// Replaces a file as one step that a power cut cannot split: written beside, synced, renamed, folder synced.
    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let beside = format!("{name}.new");
        self.remove(&beside)?;
        let mut file = self.create(&beside)?;
        file.write(content)?;
        file.sync()?;
        self.rename(&beside, name)
    }

    /// Renames a file within the folder and syncs the folder.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.steps.before(|| Step::Rename(self.path_of(to)))?;
        rustix::fs::renameat(&self.file, from, &self.file, to)?;
        self.sync()
    }

    /// Removes whatever has this name, with everything in it; nothing there is no error. The folder is not synced.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        self.remove_at_depth(name, 0)
    }

    fn remove_at_depth(&self, name: &str, depth: usize) -> io::Result<()> {
        let flags = match self.kind(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
            Ok(Kind::Folder) => {
                if depth == MAX_DEPTH {
                    return Err(io::Error::other("too many folders within folders"));
                }
                let inner = self.folder(name)?;
                for entry in inner.entries()? {
                    inner.remove_at_depth(&entry, depth + 1)?;
                }
                AtFlags::REMOVEDIR
            }
            Ok(Kind::File | Kind::Other) => AtFlags::empty(),
        };
        self.steps.before(|| Step::Remove(self.path_of(name)))?;
        Ok(rustix::fs::unlinkat(&self.file, name, flags)?)
    }

    /// Names in it.
    pub(crate) fn entries(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.file)? {
            let entry = entry?;
            let name = entry.file_name().to_str().map_err(|_| Errno::ILSEQ)?;
            if [".", ".."].contains(&name) {
                continue;
            }
            if names.len() == MAX_ENTRIES {
                return Err(io::Error::other("too many files in one folder"));
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }

    /// Makes names in it durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.steps.before(|| Step::SyncFolder)?;
        self.file.sync_all()
    }

    /// Bytes free for new files on its file system.
    pub(crate) fn free(&self) -> io::Result<u64> {
        let volume = rustix::fs::fstatvfs(&self.file)?;
        Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
    }

    pub(crate) const fn steps(&self) -> &Steps {
        &self.steps
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn kind_of(stat: &Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        _ => Kind::Other,
    }
}

/// A file being written.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: File,
    path: String,
    steps: Steps,
}

impl NewFile {
    /// Appends.
    pub(crate) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.steps.before(|| Step::Write(self.path.clone()))?;
        self.file.write_all(piece)
    }

    /// Makes the content durable and forgets what is in memory of it, so that reading it means the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.steps.before(|| Step::SyncFile(self.path.clone()))?;
        self.file.sync_all()?;
        rustix::fs::fadvise(&self.file, 0, None, rustix::fs::Advice::DontNeed)?;
        Ok(())
    }
}
