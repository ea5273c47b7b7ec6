//! Replacing a file.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::medium::Medium;

/// Which step of replacing a file failed.
#[derive(Debug, Error)]
pub enum ReplaceError {
    /// Making the folder.
    #[error("could not make the folder {path}; nothing has changed")]
    CreateFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Writing beside.
    #[error("could not write {path}; nothing has changed")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making the content durable.
    #[error("could not sync {path}; nothing has changed")]
    Sync {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Renaming to its place.
    #[error("could not rename {path} to its place; nothing has changed")]
    Rename {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making the name durable.
    #[error("could not sync the folder {path}; after a power cut the change may be gone")]
    SyncFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Makes `bytes` the content of the file `name` in `medium`'s own folder, which is made when it is not there. When this
/// returns they survive a power cut; when it fails the old content is there, or (after a failed sync of the folder)
/// either.
///
/// # Errors
/// The step that failed.
pub fn replace(medium: &mut dyn Medium, name: &str, bytes: &[u8]) -> Result<(), ReplaceError> {
    let beside = format!("{name}.new");
    let (path, folder) = (medium.path(&beside), medium.path(""));
    medium
        .create_folder("")
        .map_err(|source| ReplaceError::CreateFolder {
            path: folder.clone(),
            source,
        })?;
    medium
        .write(&beside, bytes)
        .map_err(|source| ReplaceError::Write {
            path: path.clone(),
            source,
        })?;
    medium.sync(&beside).map_err(|source| ReplaceError::Sync {
        path: path.clone(),
        source,
    })?;
    medium
        .rename(&beside, name)
        .map_err(|source| ReplaceError::Rename { path, source })?;
    medium
        .sync_folder("")
        .map_err(|source| ReplaceError::SyncFolder { path: folder, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::medium::Folder;

    #[test]
    fn a_file_is_made_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut medium = Folder::new(&folder.path().join("new"));
        for content in [&b"one"[..], b"two"] {
            replace(&mut medium, "file", content).unwrap();
            assert_eq!(medium.read("file", 10).unwrap().unwrap(), content);
        }
        assert_eq!(medium.list("").unwrap(), ["file"]);
    }

    #[test]
    fn a_full_disk_is_told_with_the_file() {
        let mut medium = Folder::new(std::path::Path::new("/proc/nothing"));
        let error = replace(&mut medium, "file", b"x").unwrap_err();
        assert!(error.to_string().contains("/proc/nothing"), "{error}");
    }
}
