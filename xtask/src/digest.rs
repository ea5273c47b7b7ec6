//! SHA-256 of files and of ordered, labelled inputs (cache keys).
//!
//! Invariant: two different lists of inputs never give the same key by concatenation: every label and
//! value is preceded by its length.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Large enough that the read calls cost nothing, small enough for the second-level cache.
const BUFFER: usize = 256 * 1024;

/// Lower-case hexadecimal form of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// SHA-256 of a file's content, in hexadecimal.
pub(crate) fn file(path: &Path) -> Result<String> {
    let mut input = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = input
            .read(&mut buffer)
            .with_context(|| format!("read {}", path.display()))?;
        if length == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..length]);
    }
}

/// [`file`], remembered in `memory` for as long as path, size, inode and modification time stay the same:
/// the kernel's source is 150 MB and is asked for at every build.
pub(crate) fn file_remembered(path: &Path, memory: &Path) -> Result<String> {
    let meta = fs::metadata(path).with_context(|| format!("look at {}", path.display()))?;
    let stamp = format!(
        "{} {} {} {}.{:09}",
        path.display(),
        meta.size(),
        meta.ino(),
        meta.mtime(),
        meta.mtime_nsec()
    );
    let known = fs::read_to_string(memory).unwrap_or_default();
    if let Some((hash, known_stamp)) = known.trim_end().split_once(' ')
        && known_stamp == stamp
        && hash.len() == 64
    {
        return Ok(hash.to_owned());
    }
    let hash = file(path)?;
    crate::cache::write_file(memory, format!("{hash} {stamp}\n").as_bytes())?;
    Ok(hash)
}

/// Builds a cache key from labelled inputs.
pub(crate) struct Key(Sha256);

impl Key {
    /// Starts a key; `purpose` separates the keys of different caches.
    pub(crate) fn new(purpose: &str) -> Self {
        let mut key = Self(Sha256::new());
        key.field(purpose.as_bytes());
        key
    }

    /// Adds one input.
    pub(crate) fn add(&mut self, label: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.field(label.as_bytes());
        self.field(value.as_ref());
        self
    }

    /// The key as 64 hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        hex(&self.0.finalize())
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fields: &[(&str, &str)]) -> String {
        let mut key = Key::new("test");
        for (label, value) in fields {
            key.add(label, value);
        }
        key.finish()
    }

    #[test]
    fn moving_a_byte_between_fields_changes_the_key() {
        assert_ne!(key(&[("a", "bc")]), key(&[("ab", "c")]));
        assert_ne!(key(&[("a", "1"), ("b", "")]), key(&[("a", ""), ("b", "1")]));
        assert_eq!(key(&[("a", "1")]), key(&[("a", "1")]));
    }

    #[test]
    fn hexadecimal_keeps_leading_zeros() {
        assert_eq!(hex(&[0x00, 0x0f, 0xff]), "000fff");
    }
}
