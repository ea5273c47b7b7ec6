//! What goes into a bundle.

use std::path::PathBuf;

/// A fact that the appliance tells when it is asked, on a thread of its own.
type Fact = Box<dyn FnOnce() -> Result<Vec<u8>, String> + Send>;

/// One thing to collect.
pub struct Source {
    /// Name in the bundle, with `/`; of a folder the prefix of its files.
    pub(crate) name: String,
    pub(crate) from: From,
}

pub(crate) enum From {
    Fact(Fact),
    File(PathBuf),
    /// Its files, not its folders.
    Folder(PathBuf),
    /// A revision of the node document: redacted.
    Configuration(PathBuf),
    /// Its revisions.
    ConfigurationFolder(PathBuf),
    KernelLog(PathBuf),
    Disks(PathBuf),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source {}", self.name)
    }
}

impl Source {
    /// A fact under `name`; it is asked for on a thread of its own and within the time limit.
    pub fn fact(name: &str, tell: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static) -> Self {
        Self {
            name: name.into(),
            from: From::Fact(Box::new(tell)),
        }
    }

    /// A regular file.
    pub fn file(name: &str, path: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            from: From::File(path.into()),
        }
    }

    /// The regular files of a folder.
    pub fn folder(name: &str, path: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            from: From::Folder(path.into()),
        }
    }

    pub(crate) fn new(name: &str, from: From) -> Self {
        Self {
            name: name.into(),
            from,
        }
    }
}
