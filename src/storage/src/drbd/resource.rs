//! The one resource, driven through `drbdsetup-84` and `drbdmeta`.

use std::fs;
use std::path::{Path, PathBuf};

use sps_image::disk::layout::Part;
use thiserror::Error;

use super::status::{DiskState, Role, Status};
use crate::helper::{HelperError, Helpers, Program};
use crate::own::OwnDisk;

/// The resource's name and its minor number.
const RESOURCE: &str = "data";
const MINOR: &str = "0";
const MINOR_NUMBER: u32 = 0;
/// Format of the metadata of DRBD 8.4, and where in its partition it lies: it fills it (drbdmeta(8)).
const METADATA: [&str; 2] = ["v08", "flex-external"];
/// The same place in the words of `drbdsetup attach` (drbdsetup(8)).
const METADATA_PLACE: &str = "flexible";
/// An unreadable block is told to the file system. The default detaches the whole disk at the first one, which is right for a node
/// whose peer has the data, and loses everything else for one that stands alone.
const ON_IO_ERROR: &str = "--on-io-error=pass_on";
/// Folder `drbdmeta` puts its locks in.
const LOCKS: &str = "/run/drbd";

/// Why DRBD does not do what it should.
#[derive(Debug, Error)]
pub enum DrbdError {
    /// The kernel has no DRBD, or `/proc` is not there.
    #[error("could not read {}: the kernel has no DRBD", path.display())]
    Status {
        /// Where its status is.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The folder for locks could not be made.
    #[error("could not make the folder {LOCKS}")]
    Locks(#[source] std::io::Error),
    /// A command failed.
    #[error("could not {action} the replicated device of {disk}")]
    Command {
        /// What was to be done.
        action: &'static str,
        /// Disk it lies on.
        disk: String,
        /// Why.
        #[source]
        source: HelperError,
    },
    /// Its disk is not up to date: the first boot did not finish, or another node has newer data.
    #[error(
        "the data of {disk} is {state:?}, not up to date: it may only be used by force; nothing was written to it"
    )]
    NotUpToDate {
        /// Disk it lies on.
        disk: String,
        /// What DRBD says.
        state: DiskState,
    },
}

/// DRBD's commands for the `data` of one disk.
#[derive(Clone)]
pub struct Drbd {
    helpers: Helpers,
    disk: String,
    data: PathBuf,
    meta: PathBuf,
    node: PathBuf,
    proc: PathBuf,
}

impl Drbd {
    /// For the own disk.
    #[must_use]
    pub fn new(helpers: &Helpers, own: &OwnDisk) -> Self {
        Self {
            helpers: helpers.clone(),
            disk: own.disk().name.clone(),
            data: own.partition(Part::Data),
            meta: own.partition(Part::Meta),
            node: PathBuf::from("/dev/drbd0"),
            proc: PathBuf::from("/proc/drbd"),
        }
    }

    /// The same for a kernel without DRBD: `node` stands for its device, `proc` for its status. For tests.
    #[must_use]
    pub fn with_stand_ins(self, node: PathBuf, proc: PathBuf) -> Self {
        Self { node, proc, ..self }
    }

    /// The device the file system lies on.
    #[must_use]
    pub fn node(&self) -> &Path {
        &self.node
    }

    /// The partition behind it.
    #[must_use]
    pub fn backing(&self) -> &Path {
        &self.data
    }

    /// What DRBD says, or nothing when the device is not configured.
    ///
    /// # Errors
    /// When the kernel has no DRBD.
    pub fn status(&self) -> Result<Option<Status>, DrbdError> {
        let text = fs::read_to_string(&self.proc).map_err(|source| DrbdError::Status {
            path: self.proc.clone(),
            source,
        })?;
        Ok(Status::parse(&text, MINOR_NUMBER))
    }

    /// Makes metadata that says: nothing here is of worth yet. The device must be down.
    ///
    /// # Errors
    /// When drbdmeta fails.
    pub fn create_metadata(&self) -> Result<(), DrbdError> {
        fs::create_dir_all(LOCKS).map_err(DrbdError::Locks)?;
        self.meta("make the metadata of", &["--force"], "create-md")
    }

    /// Runs drbdmeta, with options before and the command behind what names the metadata.
    fn meta(&self, action: &'static str, options: &[&str], command: &str) -> Result<(), DrbdError> {
        let [format, place] = METADATA;
        let meta = self.meta.to_string_lossy();
        let arguments = [options, &[MINOR, format, &meta, place, command]].concat();
        let ran = self.helpers.run(Program::Drbdmeta, arguments);
        ran.map(drop).map_err(|source| self.failed(action, source))
    }

    /// Makes the device from its partitions, unless it is there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn up(&self) -> Result<(), DrbdError> {
        match self.status()? {
            Some(status) if status.disk != DiskState::Diskless => return Ok(()),
            // Left half made by an attempt that failed.
            Some(_) => self.down()?,
            None => {}
        }
        // The kernel refuses metadata it did not close itself; the activity log says which blocks were being written.
        self.meta("apply the activity log of", &[], "apply-al")?;
        self.setup("prepare", &["new-resource", RESOURCE])?;
        self.setup("make", &["new-minor", RESOURCE, MINOR, "0"])?;
        let (data, meta) = (self.data.to_string_lossy(), self.meta.to_string_lossy());
        self.setup(
            "attach",
            &["attach", MINOR, &data, &meta, METADATA_PLACE, ON_IO_ERROR],
        )
    }

    /// Makes this node the one that writes, if DRBD says that its data is good.
    ///
    /// # Errors
    /// When the data is not up to date or the kernel refuses.
    pub fn promote(&self) -> Result<(), DrbdError> {
        match self.status()? {
            Some(Status {
                role: Role::Primary, ..
            }) => Ok(()),
            Some(Status {
                disk: DiskState::UpToDate,
                ..
            }) => self.setup("promote", &["primary", MINOR]),
            other => Err(DrbdError::NotUpToDate {
                disk: self.disk.clone(),
                state: other.map_or(DiskState::Diskless, |status| status.disk),
            }),
        }
    }

    /// Declares the content good and makes this node the one that writes: right after the metadata was made, when there is
    /// no content, and never else.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn promote_new(&self) -> Result<(), DrbdError> {
        self.setup("promote", &["primary", MINOR, "--force"])
    }

    /// Makes the device as large as its partition allows; the device must be primary.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn resize(&self) -> Result<(), DrbdError> {
        self.setup("resize", &["resize", MINOR, "--assume-peer-has-space"])
    }

    /// Makes this node one that does not write, and takes the device apart.
    ///
    /// # Errors
    /// When it is still mounted or the kernel refuses.
    pub fn down(&self) -> Result<(), DrbdError> {
        if self.status()?.is_some() {
            self.setup("demote", &["secondary", MINOR])?;
        }
        self.setup("take down", &["down", RESOURCE])
    }

    fn setup(&self, action: &'static str, arguments: &[&str]) -> Result<(), DrbdError> {
        let done = self.helpers.run(Program::Drbdsetup, arguments);
        done.map(drop).map_err(|source| self.failed(action, source))
    }

    fn failed(&self, action: &'static str, source: HelperError) -> DrbdError {
        DrbdError::Command {
            action,
            disk: self.disk.clone(),
            source,
        }
    }
}
