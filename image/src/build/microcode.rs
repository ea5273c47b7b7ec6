//! The early microcode archive: one uncompressed cpio with the updates of Intel and AMD, which must be the first
//! of the initial ramdisks (kernel: Documentation/arch/x86/microcode.rst).
//!
//! Invariant: every update is checked before it is taken; a damaged or unknown file fails the build by name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::archive::{self, ArchiveError, Entry, Tree};

mod amd;
mod intel;

/// Where Debian's `intel-microcode` and `amd64-microcode` put their files.
pub const DEBIAN_FIRMWARE: &str = "/lib/firmware";

const FOLDER: &str = "kernel/x86/microcode";

/// Why the archive could not be made.
#[derive(Debug, Error)]
pub enum MicrocodeError {
    /// A folder of a Debian package is missing.
    #[error("cannot read {path}: install Debian's {package} (section non-free-firmware)")]
    Missing {
        /// The folder.
        path: PathBuf,
        /// The package it belongs to.
        package: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds no microcode.
    #[error("{name} holds no valid microcode: {reason}")]
    Damaged {
        /// The file.
        name: String,
        /// What was found.
        reason: &'static str,
    },
    /// The archive could not be written.
    #[error("cannot pack the microcode")]
    Archive(#[from] ArchiveError),
}

/// Name and content of a file, sorted by name.
pub(super) type Blobs = Vec<(String, Vec<u8>)>;

/// Reads the microcode below `firmware` (see [`DEBIAN_FIRMWARE`]) and packs it.
///
/// # Errors
/// When a package is missing or a file is damaged.
pub fn build(firmware: &Path) -> Result<Vec<u8>, MicrocodeError> {
    pack(&sources(firmware)?)
}

/// The files of both makers, as they lie on the build machine.
#[derive(Clone, Debug)]
pub struct Sources {
    intel: Blobs,
    amd: Blobs,
}

impl Sources {
    /// Everything [`pack`] depends on, for a cache key.
    pub fn contents(&self) -> impl Iterator<Item = &[u8]> {
        self.intel
            .iter()
            .chain(&self.amd)
            .flat_map(|(name, content)| [name.as_bytes(), content.as_slice()])
    }
}

/// Reads the files of both makers.
///
/// # Errors
/// When a package is missing.
pub fn sources(firmware: &Path) -> Result<Sources, MicrocodeError> {
    Ok(Sources {
        intel: read_folder(&firmware.join("intel-ucode"), "intel-microcode", |_| true)?,
        amd: read_folder(&firmware.join("amd-ucode"), "amd64-microcode", |name| {
            name.ends_with(".bin")
        })?,
    })
}

/// Checks, deduplicates and packs.
///
/// # Errors
/// When a file is damaged.
pub fn pack(sources: &Sources) -> Result<Vec<u8>, MicrocodeError> {
    let mut tree = Tree::new();
    for folder in ["kernel", "kernel/x86", FOLDER] {
        tree.insert(folder.to_owned(), Entry::directory());
    }
    tree.insert(
        format!("{FOLDER}/GenuineIntel.bin"),
        Entry::file(intel::merge(&sources.intel)?),
    );
    tree.insert(
        format!("{FOLDER}/AuthenticAMD.bin"),
        Entry::file(amd::merge(&sources.amd)?),
    );
    Ok(archive::write(&tree)?)
}

fn read_folder(
    path: &Path,
    package: &'static str,
    wanted: fn(&str) -> bool,
) -> Result<Blobs, MicrocodeError> {
    let missing = |source| MicrocodeError::Missing {
        path: path.to_owned(),
        package,
        source,
    };
    let mut blobs = Blobs::new();
    for entry in fs::read_dir(path).map_err(missing)? {
        let path = entry.map_err(missing)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if wanted(&name) {
            let content = fs::read(&path).map_err(|source| MicrocodeError::Read { path, source })?;
            blobs.push((name, content));
        }
    }
    blobs.sort();
    Ok(blobs)
}

/// A little-endian 32-bit number at a byte offset.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at.checked_add(4)?)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_package_is_named() {
        let empty = tempfile::tempdir().unwrap();
        let error = build(empty.path()).unwrap_err().to_string();
        assert!(error.contains("intel-microcode"), "{error}");
    }
}
