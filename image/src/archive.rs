//! `newc` archives, the format of an initramfs (kernel: Documentation/driver-api/early-userspace/buffer-format).
//!
//! Invariants: reading takes bytes from anyone: it is bounded by the length of its input and by named limits, and
//! refuses paths that are not plain; writing is deterministic: entries sorted by path, owner 0, time 0, inode
//! numbers counted from 1.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use cpio::{NewcBuilder, NewcReader};
use thiserror::Error;

/// Most entries read from an archive: ten times what an appliance has.
const MAX_ENTRIES: usize = 4096;
/// Longest path: the kernel's PATH_MAX is 4096, ours are short.
const MAX_PATH: usize = 256;
/// An archive ends at a multiple of this; `gen_init_cpio` and GNU cpio do the same.
const BLOCK: usize = 512;
/// The file type bits of a mode (inode(7)).
const TYPE_MASK: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;

/// What a path is.
#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Directory,
    /// A file with its content.
    File(Vec<u8>),
    /// A symbolic link with its target.
    Symlink(String),
    /// A character device.
    CharacterDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory => f.write_str("Directory"),
            Self::File(content) => write!(f, "File({} bytes)", content.len()),
            Self::Symlink(target) => write!(f, "Symlink({target:?})"),
            Self::CharacterDevice { major, minor } => write!(f, "CharacterDevice({major}, {minor})"),
        }
    }
}

/// One path of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Permission bits.
    pub mode: u32,
    /// What it is.
    pub kind: Kind,
}

impl Entry {
    /// A file everyone may read.
    #[must_use]
    pub fn file(content: impl Into<Vec<u8>>) -> Self {
        Self {
            mode: 0o644,
            kind: Kind::File(content.into()),
        }
    }

    /// A folder everyone may enter.
    #[must_use]
    pub const fn directory() -> Self {
        Self {
            mode: 0o755,
            kind: Kind::Directory,
        }
    }
}

/// A tree: plain relative paths and what they are.
pub type Tree = BTreeMap<String, Entry>;

/// Why an archive is refused.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// A header or content cannot be read.
    #[error("the archive is damaged after entry {entries}")]
    Damaged {
        /// Entries read before.
        entries: usize,
        /// What the cpio library said.
        source: io::Error,
    },
    /// There are more entries than an appliance has.
    #[error("the archive has more than {MAX_ENTRIES} entries")]
    TooMany,
    /// A path is absolute, too long, climbs or is listed twice.
    #[error("the archive holds the path {path:?}, which is not plain or not unique")]
    Path {
        /// The path.
        path: String,
    },
    /// A path is of a kind no appliance has.
    #[error("the archive holds {path:?} of the unknown kind {mode:o}")]
    Kind {
        /// The path.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// A content is too long for the format, or the writer failed.
    #[error("cannot write {path:?} into the archive")]
    Write {
        /// The path.
        path: String,
        /// What the cpio library said.
        source: io::Error,
    },
}

/// Reads a whole archive; bytes after its end must be zeros.
///
/// # Errors
/// When it is damaged, too large or holds paths that are not plain.
pub fn read(mut bytes: &[u8]) -> Result<Tree, ArchiveError> {
    let mut tree = Tree::new();
    loop {
        let damaged = |source| ArchiveError::Damaged {
            entries: tree.len(),
            source,
        };
        let mut reader = NewcReader::new(bytes).map_err(damaged)?;
        if reader.entry().is_trailer() {
            break;
        }
        let (path, entry) = entry(&mut reader, tree.len(), bytes.len())?;
        bytes = reader.finish().map_err(|source| ArchiveError::Damaged {
            entries: tree.len(),
            source,
        })?;
        if !is_plain(&path) || tree.contains_key(&path) {
            return Err(ArchiveError::Path {
                path: path.chars().take(MAX_PATH).collect(),
            });
        }
        if tree.len() == MAX_ENTRIES {
            return Err(ArchiveError::TooMany);
        }
        tree.insert(path, entry);
    }
    Ok(tree)
}

fn entry(
    reader: &mut NewcReader<&[u8]>,
    entries: usize,
    available: usize,
) -> Result<(String, Entry), ArchiveError> {
    let head = reader.entry();
    let path = head.name().to_owned();
    let (mode, size) = (head.mode(), head.file_size() as usize);
    let device = Kind::CharacterDevice {
        major: head.rdev_major(),
        minor: head.rdev_minor(),
    };
    let damaged = |source| ArchiveError::Damaged { entries, source };
    if size > available {
        return Err(damaged(io::ErrorKind::UnexpectedEof.into()));
    }
    let mut content = Vec::new();
    reader.read_to_end(&mut content).map_err(damaged)?;
    if content.len() != size {
        return Err(damaged(io::ErrorKind::UnexpectedEof.into()));
    }
    let kind = match mode & TYPE_MASK {
        DIRECTORY if size == 0 => Kind::Directory,
        REGULAR => Kind::File(content),
        SYMLINK => String::from_utf8(content)
            .map(Kind::Symlink)
            .map_err(|_| ArchiveError::Kind {
                path: path.clone(),
                mode,
            })?,
        CHARACTER if size == 0 => device,
        _ => return Err(ArchiveError::Kind { path, mode }),
    };
    Ok((
        path,
        Entry {
            mode: mode & !TYPE_MASK,
            kind,
        },
    ))
}

fn is_plain(path: &str) -> bool {
    let plain = |component: &str| !component.is_empty() && component != "." && component != "..";
    path.len() <= MAX_PATH && !path.contains('\0') && path.split('/').all(plain)
}

/// Writes a whole archive, padded to a multiple of 512 bytes.
///
/// # Errors
/// When a path is not plain or a content too long for the format.
pub fn write(tree: &Tree) -> Result<Vec<u8>, ArchiveError> {
    let mut archive = Vec::new();
    for (number, (path, entry)) in (1_u32..).zip(tree) {
        if !is_plain(path) {
            return Err(ArchiveError::Path { path: path.clone() });
        }
        append(&mut archive, number, path, entry).map_err(|source| ArchiveError::Write {
            path: path.clone(),
            source,
        })?;
    }
    let end = |source| ArchiveError::Write {
        path: "the end".to_owned(),
        source,
    };
    cpio::newc::trailer(&mut archive).map_err(end)?;
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    Ok(archive)
}

fn append(archive: &mut Vec<u8>, number: u32, path: &str, entry: &Entry) -> io::Result<()> {
    let builder = NewcBuilder::new(path).ino(number);
    let (builder, kind, content): (_, u32, &[u8]) = match &entry.kind {
        Kind::Directory => (builder.nlink(2), DIRECTORY, &[]),
        Kind::File(content) => (builder, REGULAR, content),
        Kind::Symlink(target) => (builder, SYMLINK, target.as_bytes()),
        Kind::CharacterDevice { major, minor } => {
            (builder.rdev_major(*major).rdev_minor(*minor), CHARACTER, &[])
        }
    };
    let size = u32::try_from(content.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut writer = builder.mode(kind | entry.mode).write(archive, size);
    writer.write_all(content)?;
    writer.finish().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        Tree::from([
            ("dev".to_owned(), Entry::directory()),
            (
                "dev/console".to_owned(),
                Entry {
                    mode: 0o600,
                    kind: Kind::CharacterDevice { major: 5, minor: 1 },
                },
            ),
            ("etc".to_owned(), Entry::directory()),
            ("etc/hosts".to_owned(), Entry::file("127.0.0.1 localhost\n")),
            (
                "init".to_owned(),
                Entry {
                    mode: 0o777,
                    kind: Kind::Symlink("sps".to_owned()),
                },
            ),
        ])
    }

    #[test]
    fn it_is_read_back() {
        let archive = write(&tree()).unwrap();
        assert_eq!(archive.len() % BLOCK, 0);
        assert_eq!(read(&archive).unwrap(), tree());
    }

    #[test]
    fn every_truncation_is_refused() {
        let archive = write(&tree()).unwrap();
        let trailer = archive
            .windows(11)
            .position(|window| window == b"TRAILER!!!\0")
            .unwrap();
        for length in 0..trailer {
            assert!(read(&archive[..length]).is_err(), "{length} bytes were taken");
        }
    }

    #[test]
    fn paths_that_climb_are_refused() {
        for path in ["/etc", "etc/../x", "./etc", "a//b", ""] {
            let tree = Tree::from([(path.to_owned(), Entry::directory())]);
            assert!(
                matches!(write(&tree), Err(ArchiveError::Path { .. })),
                "{path:?} was written"
            );
        }
        let mut archive = write(&Tree::from([("etc/x".to_owned(), Entry::file("y"))])).unwrap();
        let at = archive.windows(5).position(|window| window == b"etc/x").unwrap();
        archive[at..at + 5].copy_from_slice(b"../ab");
        assert!(matches!(read(&archive), Err(ArchiveError::Path { .. })));
    }

    #[test]
    fn a_size_that_lies_is_refused() {
        let mut archive = write(&Tree::from([("x".to_owned(), Entry::file("y"))])).unwrap();
        archive[54..62].copy_from_slice(b"ffffffff");
        assert!(matches!(read(&archive), Err(ArchiveError::Damaged { .. })));
    }
}
