//! The form of a file: a head with a random salt, then blocks, each encrypted with AES-256-GCM.
//!
//! ```text
//! head:   "SPSI", version 1, three zeros, salt of 32 bytes
//! block:  16 KiB encrypted (the last: 0 to 16 KiB), tag of 16 bytes
//! ```
//! The key of a file is drawn (HKDF-SHA256) from the key of the index and the salt, so that no two files share one; the nonce is the
//! number of the block and whether it is the last: no nonce comes twice under one key, since a file is written once from its beginning.
//! Name and head are authenticated with every block: blocks and files that were changed, cut, moved or exchanged do not open.

use std::io;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

/// Bytes of a key.
pub(crate) const KEY: usize = 32;
/// Bytes of a block before it is encrypted: a posting list of a word is one or two, a file of gigabytes needs few keys and tags.
pub(crate) const BLOCK: usize = 16 * 1024;
/// Bytes of a tag.
pub(crate) const TAG: usize = 16;
/// Bytes of a block in the file.
pub(crate) const STORED: usize = BLOCK + TAG;
/// Bytes of the head.
pub(crate) const HEAD: usize = 40;
const SALT: usize = 32;
const MAGIC: [u8; 8] = *b"SPSI\x01\0\0\0";

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY
    }
}

/// The cipher of one file.
pub(crate) struct Cipher {
    key: LessSafeKey,
    /// What is authenticated with every block: head and name.
    about: Vec<u8>,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cipher").finish_non_exhaustive()
    }
}

fn failed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Cipher {
    /// For a new file of this name; with its head.
    pub(crate) fn make(key: &[u8; KEY], name: &str) -> io::Result<(Self, [u8; HEAD])> {
        let mut head = [0; HEAD];
        head[..MAGIC.len()].copy_from_slice(&MAGIC);
        aws_lc_rs::rand::fill(&mut head[MAGIC.len()..])
            .map_err(|_| failed("the system gives no randomness"))?;
        Ok((Self::of(key, name, &head)?, head))
    }

    /// For the file of this name that begins with `head`.
    pub(crate) fn of(key: &[u8; KEY], name: &str, head: &[u8; HEAD]) -> io::Result<Self> {
        let (magic, salt) = head.split_at(HEAD - SALT);
        if magic != MAGIC {
            return Err(failed("this is no file of the index"));
        }
        let unusable = |_| failed("the key of the index cannot be used");
        let mut own = Zeroizing::new([0; KEY]);
        Salt::new(HKDF_SHA256, salt)
            .extract(key)
            .expand(&[b"file of the index"], Length)
            .and_then(|drawn| drawn.fill(own.as_mut()))
            .map_err(unusable)?;
        let key = UnboundKey::new(&AES_256_GCM, own.as_ref()).map_err(unusable)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            about: [head, name.as_bytes()].concat(),
        })
    }

    /// Encrypts the block in place and appends its tag.
    pub(crate) fn seal(&self, number: u64, is_last: bool, block: &mut Vec<u8>) -> io::Result<()> {
        self.key
            .seal_in_place_append_tag(nonce(number, is_last), Aad::from(&self.about), block)
            .map_err(|_| failed("a block of the index could not be encrypted"))
    }

    /// Decrypts a stored block in place; returns its content.
    pub(crate) fn open<'b>(&self, number: u64, is_last: bool, block: &'b mut [u8]) -> io::Result<&'b [u8]> {
        self.key
            .open_in_place(nonce(number, is_last), Aad::from(&self.about), block)
            .map(|content| &*content)
            .map_err(|_| failed("a block of the index was changed, or is of another index"))
    }
}

fn nonce(number: u64, is_last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8] = u8::from(is_last);
    Nonce::assume_unique_for_key(bytes)
}
