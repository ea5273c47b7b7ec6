//! What the reading process is given: keys, then a trail.
//!
//! ```text
//! count u8, then each key: length u32, PEM      numbers little-endian
//! the trail, until nothing more comes
//! ```

use std::io::{self, Cursor, Read};

use zeroize::Zeroizing;

/// Most keys that are given.
pub const MAX_KEYS: usize = 64;
/// Longest key, bytes: an RSA key of 16,384 bits has 13,000.
const MAX_KEY: usize = 32 * 1024;

/// The bytes for one trail.
pub struct Feed<R> {
    head: Cursor<Zeroizing<Vec<u8>>>,
    trail: R,
}

impl<R: Read> Feed<R> {
    /// With keys as PEM, the first [`MAX_KEYS`] of them; what is too long is none.
    pub fn new(keys: &[Zeroizing<String>], trail: R) -> Self {
        let keys: Vec<&Zeroizing<String>> = keys
            .iter()
            .filter(|key| key.len() <= MAX_KEY)
            .take(MAX_KEYS)
            .collect();
        let size: usize = keys.iter().map(|key| 4 + key.len()).sum();
        // As large as it becomes: nothing of it is left behind by growing.
        let mut head = Zeroizing::new(Vec::with_capacity(1 + size));
        // Both fit: see above.
        head.push(keys.len() as u8);
        for key in keys {
            head.extend_from_slice(&(key.len() as u32).to_le_bytes());
            head.extend_from_slice(key.as_bytes());
        }
        Self {
            head: Cursor::new(head),
            trail,
        }
    }
}

impl<R: Read> Read for Feed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let position = usize::try_from(self.head.position()).unwrap_or(usize::MAX);
        let head = self.head.get_ref().get(position..).unwrap_or_default();
        if head.is_empty() {
            return self.trail.read(out);
        }
        let count = head.len().min(out.len());
        out[..count].copy_from_slice(&head[..count]);
        self.head.set_position((position + count) as u64);
        Ok(count)
    }
}

/// Reads the keys; what follows is the trail.
pub(crate) fn keys(input: &mut impl Read) -> io::Result<Vec<Zeroizing<Vec<u8>>>> {
    let mut count = [0];
    input.read_exact(&mut count)?;
    let mut keys = Vec::new();
    for _ in 0..count[0] {
        let mut length = [0; 4];
        input.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_KEY {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a key is too long"));
        }
        let mut key = Zeroizing::new(vec![0; length]);
        input.read_exact(&mut key)?;
        keys.push(key);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_trail_arrive() {
        let given = [
            Zeroizing::new("one".to_owned()),
            Zeroizing::new("x".repeat(MAX_KEY + 1)),
        ];
        for size in [1, 3, 100] {
            let mut feed = Feed::new(&given, &b"the trail"[..]);
            let mut bytes = Vec::new();
            let mut piece = vec![0; size];
            while let count @ 1.. = feed.read(&mut piece).unwrap() {
                bytes.extend_from_slice(&piece[..count]);
            }
            let mut rest = &bytes[..];
            let keys = keys(&mut rest).unwrap();
            assert_eq!(
                (keys.len(), keys[0].as_slice(), rest),
                (1, &b"one"[..], &b"the trail"[..])
            );
        }
    }

    #[test]
    fn what_is_no_feed_is_an_error() {
        for bytes in [&b""[..], &[1], &[1, 0, 0, 0, 1], &[1, 4, 0, 0, 0, b'a']] {
            assert!(keys(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
    }
}
