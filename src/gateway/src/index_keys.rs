//! Keys by which encrypted sessions are indexed although no key of an auditor is on the appliance.
//!
//! Where the indexer policy says so, the screen of a session, never what was typed, is encrypted for a key of the day too. Its private half
//! is kept here, encrypted with a key of the cluster key, until no session of that day waits to be indexed; then it is destroyed, and what
//! is in the trails can be opened by their recipients alone. A session whose trail was not indexed by then needs an indexer key.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::rand::{GetRandomFlags, getrandom};
use serde::{Deserialize, Serialize};
use sps_durable::{Document, Folder, LoadError, Medium, SaveError, load, save};
use sps_trail::{KeyPair, Recipient, TrailError};
use thiserror::Error;
use zeroize::Zeroizing;

/// Milliseconds of a day.
const DAY: i64 = 24 * 3600 * 1000;
/// Days whose keys are kept at the most: whoever indexes a trail is given all of them.
const MOST: usize = 40;
/// Bytes of a secret.
const SECRET: usize = 32;

/// Why a key cannot be used or kept.
#[derive(Debug, Error)]
pub enum IndexKeysError {
    /// They cannot be read.
    #[error(
        "the keys of sessions that are to be indexed cannot be used: remove the file, and those sessions need an indexer key"
    )]
    Load(#[from] LoadError),
    /// A change cannot be kept.
    #[error("a key of sessions that are to be indexed is not kept")]
    Save(#[from] SaveError),
    /// The cluster key is another one, or the file is damaged.
    #[error("the key of sessions of the day {day} does not open: they need an indexer key")]
    Closed {
        /// The day, counted from 1970.
        day: i64,
    },
    /// Nothing can be drawn or encrypted.
    #[error("a key cannot be made")]
    Make,
    /// The public half cannot be made.
    #[error(transparent)]
    Trail(#[from] TrailError),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// Counted from 1970.
    day: i64,
    /// Nonce and ciphertext, base64.
    sealed: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    format: u32,
    keys: Vec<Kept>,
}

impl Document for Keys {
    const NAME: &'static str = "index-keys.json";
    const FORMAT: u32 = 1;
    const MOST: usize = 1 << 20;

    fn format(&self) -> u32 {
        self.format
    }
}

/// The keys, in memory and on disk.
pub struct IndexKeys {
    key: LessSafeKey,
    state: Mutex<State>,
}

struct State {
    medium: Box<dyn Medium>,
    keys: Keys,
    /// What new sessions are encrypted for.
    newest: Option<(i64, Recipient)>,
}

impl std::fmt::Debug for IndexKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IndexKeys")
    }
}

impl IndexKeys {
    /// Reads them from `folder`; `key` is what they are encrypted with.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(folder: &Path, key: &[u8; SECRET]) -> Result<Self, IndexKeysError> {
        Self::on(Box::new(Folder::new(folder)), key)
    }

    fn on(medium: Box<dyn Medium>, key: &[u8; SECRET]) -> Result<Self, IndexKeysError> {
        let none = || Keys {
            format: Keys::FORMAT,
            keys: Vec::new(),
        };
        let keys = load(&*medium)?.unwrap_or_else(none);
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| IndexKeysError::Make)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            state: Mutex::new(State {
                medium,
                keys,
                newest: None,
            }),
        })
    }

    /// For whom a session is encrypted that begins at `start`, milliseconds since 1970. The private half is on disk when this returns.
    /// Blocking, for the first session of a day.
    ///
    /// # Errors
    /// A new key cannot be made or kept.
    pub fn recipient(&self, start: i64) -> Result<Recipient, IndexKeysError> {
        let day = start.div_euclid(DAY);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((newest, recipient)) = &state.newest
            && *newest == day
        {
            return Ok(recipient.clone());
        }
        let mine = state.keys.keys.iter().find(|kept| kept.day == day);
        let pair = match mine.map(|kept| self.opened(kept)) {
            Some(Ok(pair)) => pair,
            // One that does not open is replaced: nobody else could use it either.
            Some(Err(_)) | None => {
                let mut secret = Zeroizing::new([0; SECRET]);
                getrandom(&mut *secret, GetRandomFlags::empty()).map_err(|_| IndexKeysError::Make)?;
                let sealed = self.sealed(day, &secret)?;
                let mut keys = state.keys.clone();
                keys.keys.retain(|kept| kept.day != day);
                keys.keys.push(Kept { day, sealed });
                keys.keys.sort_by_key(|kept| kept.day);
                let over = keys.keys.len().saturating_sub(MOST);
                keys.keys.drain(..over);
                save(&mut *state.medium, &keys)?;
                state.keys = keys;
                KeyPair::new(secret)
            }
        };
        let recipient = pair.recipient("the index of this appliance")?;
        state.newest = Some((day, recipient.clone()));
        Ok(recipient)
    }

    /// Days of which there is a key, counted from 1970.
    #[must_use]
    pub fn days(&self) -> Vec<i64> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.keys.keys.iter().map(|kept| kept.day).collect()
    }

    /// First and last millisecond of a day.
    #[must_use]
    pub const fn span(day: i64) -> (i64, i64) {
        (
            day.saturating_mul(DAY),
            day.saturating_add(1).saturating_mul(DAY) - 1,
        )
    }

    /// The private halves, PKCS#8 in PEM.
    ///
    /// # Errors
    /// The first that does not open.
    pub fn private_keys(&self) -> Result<Vec<Zeroizing<String>>, IndexKeysError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = state.keys.keys.iter();
        keys.map(|kept| Ok(self.opened(kept)?.to_pem())).collect()
    }

    /// Destroys the key of a day: nothing of it is in the file when this returns. Blocking.
    ///
    /// # Errors
    /// The change cannot be kept.
    pub fn forget(&self, day: i64) -> Result<(), IndexKeysError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = state.keys.clone();
        keys.keys.retain(|kept| kept.day != day);
        save(&mut *state.medium, &keys)?;
        state.keys = keys;
        if state.newest.as_ref().is_some_and(|(newest, _)| *newest == day) {
            state.newest = None;
        }
        Ok(())
    }

    fn sealed(&self, day: i64, secret: &[u8; SECRET]) -> Result<String, IndexKeysError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom(&mut nonce, GetRandomFlags::empty()).map_err(|_| IndexKeysError::Make)?;
        let mut text = secret.to_vec();
        let sealed =
            self.key
                .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), about(day), &mut text);
        sealed.map_err(|_| IndexKeysError::Make)?;
        Ok(STANDARD.encode([&nonce[..], &text].concat()))
    }

    fn opened(&self, kept: &Kept) -> Result<KeyPair, IndexKeysError> {
        let closed = || IndexKeysError::Closed { day: kept.day };
        let bytes = STANDARD.decode(&kept.sealed).map_err(|_| closed())?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(closed)?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let secret = self.key.open_in_place(nonce, about(kept.day), &mut text);
        let secret = <[u8; SECRET]>::try_from(&*secret.map_err(|_| closed())?).map_err(|_| closed())?;
        Ok(KeyPair::new(Zeroizing::new(secret)))
    }
}

fn about(day: i64) -> Aad<Vec<u8>> {
    Aad::from([b"index key of the day ".as_slice(), &day.to_be_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use sps_durable::simulation::{CrashDisk, Unsynced};

    use super::*;

    const KEY: [u8; SECRET] = [5; SECRET];

    fn on(disk: &CrashDisk) -> IndexKeys {
        IndexKeys::on(Box::new(disk.clone()), &KEY).unwrap()
    }

    #[test]
    fn a_day_has_one_key_until_it_is_forgotten() {
        let disk = CrashDisk::default();
        let keys = on(&disk);
        let first = keys.recipient(DAY + 1).unwrap().fingerprint();
        assert_eq!(keys.recipient(2 * DAY - 1).unwrap().fingerprint(), first);
        let next = keys.recipient(2 * DAY).unwrap().fingerprint();
        assert_ne!(next, first);
        let again = on(&disk);
        assert_eq!(again.days(), [1, 2]);
        assert_eq!(again.recipient(DAY).unwrap().fingerprint(), first);
        assert_eq!(again.private_keys().unwrap(), keys.private_keys().unwrap());
        again.forget(1).unwrap();
        assert_eq!(on(&disk).days(), [2]);
        assert_ne!(again.recipient(DAY).unwrap().fingerprint(), first, "it is gone");
    }

    #[test]
    fn another_cluster_key_opens_nothing_and_the_file_holds_no_secret() {
        let disk = CrashDisk::default();
        let keys = on(&disk);
        keys.recipient(DAY).unwrap();
        let pem = keys.private_keys().unwrap().remove(0);
        let bytes = disk.read(Keys::NAME, 1 << 20).unwrap().unwrap();
        let secret = pem.lines().nth(1).unwrap();
        let inner = &STANDARD.decode(secret).unwrap()[16..];
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains(&STANDARD.encode(inner)));
        let other = IndexKeys::on(Box::new(disk), &[6; SECRET]).unwrap();
        assert!(matches!(
            other.private_keys(),
            Err(IndexKeysError::Closed { day: 1 })
        ));
        other.recipient(DAY).unwrap();
        assert_eq!(other.private_keys().unwrap().len(), 1, "a new one took its place");
    }

    #[test]
    fn only_so_many_days_are_kept() {
        let keys = on(&CrashDisk::default());
        for day in 0..50 {
            keys.recipient(day * DAY).unwrap();
        }
        assert_eq!(keys.days(), (10..50).collect::<Vec<_>>());
    }

    #[test]
    fn a_power_cut_anywhere_leaves_the_keys_before_or_after() {
        let one = CrashDisk::default();
        on(&one).recipient(DAY).unwrap();
        for forgets in [false, true] {
            for steps in 0.. {
                let disk = one.copy();
                disk.fail_after(steps);
                let keys = on(&disk);
                let done = if forgets {
                    keys.forget(1)
                } else {
                    keys.recipient(2 * DAY).map(drop)
                };
                let (before, after) = (vec![1], if forgets { vec![] } else { vec![1, 2] });
                for names in 0..=disk.journal_length() {
                    for unsynced in [Unsynced::Lost, Unsynced::Half, Unsynced::Kept] {
                        let days = on(&disk.after_cut(names, unsynced)).days();
                        assert!(days == after || (done.is_err() && days == before), "{days:?}");
                    }
                }
                if done.is_ok() {
                    break;
                }
            }
        }
    }
}
