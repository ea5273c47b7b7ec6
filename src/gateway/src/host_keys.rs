//! Host keys of servers, as the appliance first saw them: in a document of their own on `data`, since each new server would otherwise be a
//! revision of the configuration that competes with what administrators change.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sps_durable::{Document, Folder, LoadError, Medium, SaveError, load, save};
use thiserror::Error;

/// Keys that are kept: a server has one or two.
const MOST: usize = 100_000;

/// Why keys of servers cannot be used or kept.
#[derive(Debug, Error)]
pub enum HostKeysError {
    /// They cannot be read.
    #[error(
        "the host keys of servers cannot be used: remove the file, and the next key of each server counts as its first"
    )]
    Load(#[from] LoadError),
    /// One cannot be kept.
    #[error("the host key is not kept")]
    Save(#[from] SaveError),
    /// There are too many.
    #[error("{MOST} host keys are kept: remove those of servers that are gone")]
    Full,
}

/// A key of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostKey {
    /// Name or address, as it was asked for.
    pub(crate) host: String,
    /// TCP port.
    pub(crate) port: u16,
    /// The line of `known_hosts` without the names.
    pub(crate) key: String,
    /// When it was first seen, seconds since 1970.
    pub(crate) since: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    format: u32,
    keys: Vec<HostKey>,
}

impl Document for Keys {
    const NAME: &'static str = "host-keys.json";
    const FORMAT: u32 = 1;
    const MOST: usize = 64 << 20;

    fn format(&self) -> u32 {
        self.format
    }
}

/// The keys, in memory and on disk.
pub(crate) struct HostKeys(Mutex<State>);

struct State {
    medium: Box<dyn Medium>,
    keys: Keys,
}

impl HostKeys {
    /// Reads them from a folder, which is made.
    pub(crate) fn open(folder: &Path) -> Result<Self, HostKeysError> {
        Self::on(Box::new(Folder::new(folder)))
    }

    fn on(medium: Box<dyn Medium>) -> Result<Self, HostKeysError> {
        let none = || Keys {
            format: Keys::FORMAT,
            keys: Vec::new(),
        };
        let keys = load(&*medium)?.unwrap_or_else(none);
        Ok(Self(Mutex::new(State { medium, keys })))
    }

    /// The keys of a server.
    pub(crate) fn of(&self, host: &str, port: u16) -> Vec<String> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = state
            .keys
            .keys
            .iter()
            .filter(|key| key.host == host && key.port == port);
        own.map(|key| key.key.clone()).collect()
    }

    /// Keeps one; it is on disk when this returns. Blocking.
    pub(crate) fn keep(&self, key: HostKey) -> Result<(), HostKeysError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.keys.keys.len() >= MOST {
            return Err(HostKeysError::Full);
        }
        let mut keys = state.keys.clone();
        keys.keys.push(key);
        save(&mut *state.medium, &keys)?;
        state.keys = keys;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sps_durable::simulation::{CrashDisk, Unsynced};

    use super::*;

    fn key(host: &str) -> HostKey {
        HostKey {
            host: host.into(),
            port: 22,
            key: format!("ssh-ed25519 AAAA{host}"),
            since: 1,
        }
    }

    #[test]
    fn a_power_cut_anywhere_leaves_the_keys_before_or_after() {
        let one = CrashDisk::default();
        HostKeys::on(Box::new(one.clone()))
            .unwrap()
            .keep(key("a"))
            .unwrap();
        let mut seen = [false; 2];
        for steps in 0.. {
            let disk = one.copy();
            disk.fail_after(steps);
            let kept = HostKeys::on(Box::new(disk.clone())).unwrap().keep(key("b"));
            for names in 0..=disk.journal_length() {
                for unsynced in [Unsynced::Lost, Unsynced::Half, Unsynced::Kept] {
                    let keys = HostKeys::on(Box::new(disk.after_cut(names, unsynced))).unwrap();
                    assert_eq!(keys.of("a", 22).len(), 1);
                    let count = keys.of("b", 22).len();
                    assert!(kept.is_err() || count == 1, "it was said to be kept");
                    seen[count] = true;
                }
            }
            if kept.is_ok() {
                break;
            }
        }
        assert_eq!(seen, [true, true]);
    }

    #[test]
    fn a_step_that_fails_keeps_nothing_and_says_so() {
        let disk = CrashDisk::default();
        let keys = HostKeys::on(Box::new(disk.clone())).unwrap();
        disk.fail_after(0);
        assert!(keys.keep(key("a")).is_err());
        assert!(keys.of("a", 22).is_empty());
    }
}
