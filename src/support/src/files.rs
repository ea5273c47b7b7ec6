//! Reads files whose size, kind and honesty are unknown.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    /// Bytes left out at the beginning.
    pub(crate) cut: u64,
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, cut: 0 }
    }
}

/// The last `limit` bytes of a regular file. Never follows a link, never waits for the other end of a pipe.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Content, String> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let mut file = opened.map_err(|error| format!("could not open it: {error}"))?;
    let facts = file
        .metadata()
        .map_err(|error| format!("could not look at it: {error}"))?;
    if !facts.is_file() {
        return Err("not a regular file".into());
    }
    let cut = facts
        .len()
        .saturating_sub(u64::try_from(limit).unwrap_or(u64::MAX));
    read_from(&mut file, cut, limit).map_err(|error| format!("could not read it: {error}"))
}

fn read_from(file: &mut File, cut: u64, limit: usize) -> std::io::Result<Content> {
    if cut > 0 {
        file.seek(SeekFrom::Start(cut))?;
    }
    let mut bytes = Vec::new();
    // Files of the kernel say that they are empty, and some never end.
    file.take(u64::try_from(limit).unwrap_or(u64::MAX))
        .read_to_end(&mut bytes)?;
    Ok(Content { bytes, cut })
}

/// Names in a folder, the highest number first: that is the newest. At most `most`.
pub(crate) fn names(path: &Path, most: usize) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(path).map_err(|error| format!("could not list it: {error}"))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_by_cached_key(|name| std::cmp::Reverse(by_number(name)));
    names.truncate(most);
    Ok(names)
}

/// Digits a number is padded to.
const DIGITS: usize = 20;

/// A key by which `boot-10` comes after `boot-9`.
fn by_number(name: &str) -> String {
    let mut key = String::new();
    let mut rest = name;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let end = rest[at..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(rest.len(), |length| at + length);
        key += &rest[..at];
        key += &format!("{:0>DIGITS$}", &rest[at..end]);
        rest = &rest[end..];
    }
    key + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_file_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(
            read(&path, 4).unwrap(),
            Content {
                bytes: b"6789".to_vec(),
                cut: 6
            }
        );
        assert_eq!(
            read(&path, 100).unwrap(),
            Content {
                bytes: b"0123456789".to_vec(),
                cut: 0
            }
        );
        assert!(
            !read(Path::new("/proc/self/status"), 1000)
                .unwrap()
                .bytes
                .is_empty()
        );
    }

    #[test]
    fn the_newest_come_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["boot-9.log", "boot-10.log", "boot-1.log"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(names(folder.path(), 2).unwrap(), ["boot-10.log", "boot-9.log"]);
    }

    #[test]
    fn pipes_links_folders_and_devices_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
        for path in [
            pipe.as_path(),
            &link,
            folder.path(),
            Path::new("/dev/zero"),
            Path::new("/nonexistent"),
        ] {
            assert!(read(path, 10).is_err(), "{}", path.display());
        }
    }
}
