//! Files and folders by handle: no path is resolved from the root, no symbolic link is followed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Mode, OFlags, ResolveFlags, Statx, StatxFlags};
use rustix::io::Errno;

use crate::error::StoreError;
use crate::steps::{Step, Steps};

/// Only root reads what lies here.
const FOLDER_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// A path stays below the folder it starts in, and no part of it is a symbolic link.
const INSIDE: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);

/// A folder that is open.
#[derive(Debug)]
pub(crate) struct Folder {
    handle: OwnedFd,
    path: PathBuf,
    steps: Steps,
}

/// What tells one file from another, and whether it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: (u32, u32),
    inode: u64,
    pub(crate) size: u64,
}

impl Folder {
    /// Opens the folder at a path that is trusted.
    pub(crate) fn open(path: &Path, steps: &Steps) -> Result<Self, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle =
            fs::open(path, flags, Mode::empty()).map_err(|error| StoreError::read(path)(error.into()))?;
        Ok(Self {
            handle,
            path: path.into(),
            steps: steps.clone(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn steps(&self) -> &Steps {
        &self.steps
    }

    pub(crate) fn path_of(&self, name: &[u8]) -> PathBuf {
        self.path.join(OsStr::from_bytes(name))
    }

    /// A folder below this one; nothing when it is not there.
    pub(crate) fn folder(&self, name: &[u8]) -> Result<Option<Self>, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match fs::openat2(&self.handle, name, flags, Mode::empty(), INSIDE) {
            Ok(handle) => Ok(Some(Self {
                handle,
                path: self.path_of(name),
                steps: self.steps.clone(),
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(StoreError::read(self.path_of(name))(error.into())),
        }
    }

    /// Makes a folder, and those above it below this one, if they are not there.
    pub(crate) fn make_folder(&self, name: &[u8]) -> Result<(), StoreError> {
        let failed = |error: io::Error| StoreError::change(Step::MakeFolder, self.path_of(name))(error);
        for end in (1..=name.len()).filter(|end| name.get(*end).is_none_or(|byte| *byte == b'/')) {
            self.steps.before(Step::MakeFolder).map_err(failed)?;
            match fs::mkdirat(&self.handle, &name[..end], FOLDER_MODE) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(failed(error.into())),
            }
        }
        Ok(())
    }

    /// As [`Self::make_folder`], and opens it.
    pub(crate) fn folder_made(&self, name: &[u8]) -> Result<Self, StoreError> {
        self.make_folder(name)?;
        let made = self.folder(name)?;
        made.ok_or_else(|| StoreError::read(self.path_of(name))(Errno::NOENT.into()))
    }

    /// Opens a file for reading.
    pub(crate) fn read(&self, name: &[u8]) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        Ok(fs::openat2(&self.handle, name, flags, Mode::empty(), INSIDE)?.into())
    }

    /// Makes an empty file, or empties the one that is there.
    pub(crate) fn create(&self, name: &[u8]) -> Result<File, StoreError> {
        let failed = |error: io::Error| StoreError::change(Step::Create, self.path_of(name))(error);
        self.steps.before(Step::Create).map_err(failed)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let made = fs::openat2(&self.handle, name, flags, FILE_MODE, INSIDE);
        made.map(File::from).map_err(|error| failed(error.into()))
    }

    /// Writes a piece to the end of a file of [`Self::create`].
    pub(crate) fn write(&self, name: &[u8], file: &mut File, piece: &[u8]) -> Result<(), StoreError> {
        let written = self
            .steps
            .before(Step::Write)
            .and_then(|()| file.write_all(piece));
        written.map_err(StoreError::change(Step::Write, self.path_of(name)))
    }

    /// Makes `to`, below `folder`, another name of what is called `name` here; of a symbolic link, of the link itself.
    pub(crate) fn link(&self, name: &[u8], folder: &Self, to: &[u8]) -> io::Result<()> {
        self.steps.before(Step::Link)?;
        Ok(fs::linkat(
            &self.handle,
            name,
            &folder.handle,
            to,
            AtFlags::empty(),
        )?)
    }

    /// What a name stands for.
    pub(crate) fn identity(&self, name: &[u8]) -> io::Result<Identity> {
        let wanted = StatxFlags::INO | StatxFlags::SIZE;
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
        let Statx {
            stx_dev_major,
            stx_dev_minor,
            stx_ino,
            stx_size,
            ..
        } = fs::statx(&self.handle, name, flags, wanted)?;
        Ok(Identity {
            device: (stx_dev_major, stx_dev_minor),
            inode: stx_ino,
            size: stx_size,
        })
    }

    /// Whether a file has no other name than this one.
    pub(crate) fn is_last_name(&self, name: &[u8]) -> io::Result<bool> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
        Ok(fs::statx(&self.handle, name, flags, StatxFlags::NLINK)?.stx_nlink <= 1)
    }

    /// Renames within this folder.
    pub(crate) fn rename(&self, from: &[u8], to: &[u8]) -> Result<(), StoreError> {
        let done = self
            .steps
            .before(Step::Rename)
            .and_then(|()| fs::renameat(&self.handle, from, &self.handle, to).map_err(io::Error::from));
        done.map_err(StoreError::change(Step::Rename, self.path_of(from)))
    }

    /// Makes a symbolic link.
    pub(crate) fn point(&self, name: &[u8], target: &str) -> Result<(), StoreError> {
        let done = self
            .steps
            .before(Step::Point)
            .and_then(|()| fs::symlinkat(target, &self.handle, name).map_err(io::Error::from));
        done.map_err(StoreError::change(Step::Point, self.path_of(name)))
    }

    /// What a symbolic link holds; nothing when the name is none or not there.
    pub(crate) fn pointed(&self, name: &[u8]) -> Option<String> {
        let target = fs::readlinkat(&self.handle, name, Vec::new()).ok()?;
        target.into_string().ok()
    }

    /// Removes a file; that it is not there is no error.
    pub(crate) fn remove(&self, name: &[u8]) -> Result<(), StoreError> {
        self.unlink(name, AtFlags::empty())
    }

    /// Removes a folder; one that still holds something stays.
    pub(crate) fn remove_folder(&self, name: &[u8]) -> Result<(), StoreError> {
        self.unlink(name, AtFlags::REMOVEDIR)
    }

    fn unlink(&self, name: &[u8], flags: AtFlags) -> Result<(), StoreError> {
        let done =
            self.steps
                .before(Step::Remove)
                .and_then(|()| match fs::unlinkat(&self.handle, name, flags) {
                    Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY) => Ok(()),
                    Err(error) => Err(error.into()),
                });
        done.map_err(StoreError::change(Step::Remove, self.path_of(name)))
    }

    /// Makes the names in this folder permanent.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        let done = self
            .steps
            .before(Step::SyncFolder)
            .and_then(|()| fs::fsync(&self.handle).map_err(io::Error::from));
        done.map_err(StoreError::change(Step::SyncFolder, &self.path))
    }

    /// Makes everything on this file system permanent; an error of any write since the last time is an error here.
    pub(crate) fn sync_all(&self) -> Result<(), StoreError> {
        let done = self
            .steps
            .before(Step::SyncAll)
            .and_then(|()| fs::syncfs(&self.handle).map_err(io::Error::from));
        done.map_err(StoreError::change(Step::SyncAll, &self.path))
    }

    /// Bytes that are free for root and for everybody.
    pub(crate) fn free(&self) -> Result<u64, StoreError> {
        let told = fs::fstatvfs(&self.handle).map_err(|error| StoreError::read(&self.path)(error.into()))?;
        Ok(told.f_bavail.saturating_mul(told.f_frsize))
    }

    /// Bytes that are used, and bytes that can still be: what everybody may use, as `df` counts.
    pub(crate) fn usage(&self) -> Result<(u64, u64), StoreError> {
        let told = fs::fstatvfs(&self.handle).map_err(|error| StoreError::read(&self.path)(error.into()))?;
        let used = told.f_blocks.saturating_sub(told.f_bfree);
        Ok((
            used.saturating_mul(told.f_frsize),
            told.f_bavail.saturating_mul(told.f_frsize),
        ))
    }

    pub(crate) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}
