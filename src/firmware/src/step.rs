//! Names every step that changes something on disk, so that a test can stop the work at any of them as a power cut
//! would: what was not begun is not done, and nothing after it either.

use std::fmt;
use std::io;
use std::sync::Arc;

/// A step that changes something on disk and is about to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a folder.
    MakeFolder(String),
    /// Create a file.
    Create(String),
    /// Write a piece of a file.
    Write(String),
    /// Sync a file.
    SyncFile(String),
    /// Rename a file.
    Rename(String),
    /// Remove a file or folder.
    Remove(String),
    /// Sync a folder.
    SyncFolder,
    /// Freeze and thaw `boot`.
    Freeze,
    /// Overwrite and sync a copy of the boot control.
    WriteControl(sps_image::boot_control::Copy),
}

type Hook = dyn Fn(&Step) -> io::Result<()> + Send + Sync;

/// Is asked before every step; an error stops the work. The appliance uses the default, which never objects.
#[derive(Clone, Default)]
pub struct Steps(Option<Arc<Hook>>);

impl Steps {
    /// Asks `hook`.
    pub fn watched(hook: impl Fn(&Step) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    pub(crate) fn before(&self, step: impl FnOnce() -> Step) -> io::Result<()> {
        match &self.0 {
            Some(hook) => hook(&step()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Steps(watched)"
        } else {
            "Steps"
        })
    }
}
