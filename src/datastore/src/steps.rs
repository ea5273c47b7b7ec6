//! Every step that changes the disk, by name, so that a test can stop the work at any of them as a power cut would.

use std::fmt;
use std::io;
use std::sync::Arc;

/// A step that changes something on disk and is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a folder.
    MakeFolder,
    /// Make a hard link.
    Link,
    /// Make a symbolic link.
    Point,
    /// Create a file, or empty it.
    Create,
    /// Write a piece of a file.
    Write,
    /// Rename.
    Rename,
    /// Remove a file or a folder.
    Remove,
    /// Make a file's content permanent.
    SyncFile,
    /// Make a folder's names permanent.
    SyncFolder,
    /// Make everything on the file system permanent.
    SyncAll,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MakeFolder => "make the folder",
            Self::Link => "link",
            Self::Point => "point with",
            Self::Create => "create",
            Self::Write => "write",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::SyncFile | Self::SyncFolder => "make permanent",
            Self::SyncAll => "make everything permanent in",
        })
    }
}

type Hook = dyn Fn(Step) -> io::Result<()> + Send + Sync;

/// Is asked before every step; an error stops the work. The appliance uses the default, which never objects.
#[derive(Clone, Default)]
pub struct Steps(Option<Arc<Hook>>);

impl Steps {
    /// Asks `hook`.
    pub fn watched(hook: impl Fn(Step) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    pub(crate) fn before(&self, step: Step) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |hook| hook(step))
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watched = if self.0.is_some() { "watched" } else { "unwatched" };
        write!(f, "Steps({watched})")
    }
}
