//! One disk or partition, open: read and written at offsets, synced, described by errors that name it.
//!
//! Invariant: a device opened to be overwritten is opened exclusively, which the kernel refuses while anything on it is mounted
//! or otherwise in use.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use sps_image::disk::write::Device;
use sps_image::source::Source;
use sps_sys::block;
use thiserror::Error;

/// How long a device or file system may look busy when nothing uses it: a process that another thread is just
/// starting holds our open files until it runs its program. The kernel tells nobody when it ends.
pub(crate) const FREE_WITHIN: Duration = Duration::from_secs(2);
/// Time between two attempts.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Why a device cannot be used.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// It could not be opened.
    #[error("could not open {}", path.display())]
    Open {
        /// The device.
        path: PathBuf,
        /// The kernel's answer.
        #[source]
        source: Errno,
    },
    /// Something else uses it.
    #[error("{} is in use: something on it is mounted or belongs to an array; choose another disk", path.display())]
    Busy {
        /// The device.
        path: PathBuf,
    },
    /// Its size could not be had: it is no block device, or a drive without a medium.
    #[error("could not read the size of {}", path.display())]
    Size {
        /// The device.
        path: PathBuf,
        /// The kernel's answer.
        #[source]
        source: Errno,
    },
}

/// An open disk or partition.
#[derive(Debug)]
pub struct BlockDevice {
    file: File,
    path: PathBuf,
    size: u64,
}

impl BlockDevice {
    /// Opens for reading.
    ///
    /// # Errors
    /// When it cannot be opened or has no size.
    pub fn read_only(path: &Path) -> Result<Self, DeviceError> {
        Self::open(path, OFlags::RDONLY)
    }

    /// Opens for reading and writing beside others: for the partition table of the own disk, whose partitions are mounted.
    ///
    /// # Errors
    /// When it cannot be opened or has no size.
    pub fn shared(path: &Path) -> Result<Self, DeviceError> {
        Self::open(path, OFlags::RDWR)
    }

    /// Opens for reading and writing, alone; waits a moment for others to let go.
    ///
    /// # Errors
    /// When it cannot be opened, has no size or is in use.
    pub fn exclusive(path: &Path) -> Result<Self, DeviceError> {
        let until = Instant::now() + FREE_WITHIN;
        loop {
            match Self::open(path, OFlags::RDWR | OFlags::EXCL) {
                Err(DeviceError::Busy { .. }) if Instant::now() < until => thread::sleep(LOOK_AGAIN),
                opened => return opened,
            }
        }
    }

    fn open(path: &Path, flags: OFlags) -> Result<Self, DeviceError> {
        let path = path.to_path_buf();
        // Without NONBLOCK, opening an optical drive waits for it to close its tray.
        let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match open(&path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::BUSY) => return Err(DeviceError::Busy { path }),
            Err(source) => return Err(DeviceError::Open { path, source }),
        };
        match block::size(&file) {
            Ok(size) => Ok(Self { file, path, size }),
            Err(source) => Err(DeviceError::Size { path, source }),
        }
    }

    /// Where it lies in `/dev`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes back and forgets what the kernel remembers, so that the next read tells what is on the medium.
    ///
    /// # Errors
    /// When the kernel cannot write back.
    pub fn forget_cache(&self) -> io::Result<()> {
        Ok(block::forget_cache(&self.file)?)
    }
}

impl AsFd for BlockDevice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Source for BlockDevice {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

impl Device for BlockDevice {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}
