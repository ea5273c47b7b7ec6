//! The keys of a host, `indexer-keys.cfg`: private keys that open encrypted trails. They stay on the host.
//!
//! ```text
//! # PEM keys stand in the file itself, one after the other, certificates between them are passed over,
//! -----BEGIN PRIVATE KEY-----
//! …
//! # and every other line names a file with such, from the folder of this file, or a folder of them
//! keys/auditor.pem
//! ```

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sps_indexer_engine::Key;
use sps_trail::PrivateKey;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::feed::MAX_KEYS;

/// Longest file, bytes.
const LONGEST: u64 = 1024 * 1024;
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
/// What others may do with a file: nothing.
const OTHERS: u32 = 0o077;

/// Why keys cannot be used.
#[derive(Debug, Error)]
pub enum KeysError {
    /// The file cannot be read.
    #[error("could not read {file}")]
    Read {
        /// It.
        file: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is no text, or too long.
    #[error(
        "{file} is no file of keys: it is text of {LONGEST} bytes at the most, with keys in PEM or names of files"
    )]
    Text {
        /// It.
        file: PathBuf,
    },
    /// A key that opens nothing.
    #[error("a key in {file} cannot be used: {problem}")]
    Key {
        /// Where it stands.
        file: PathBuf,
        /// Why.
        problem: String,
    },
    /// More than a host may have.
    #[error("{0} keys; a host may have {MAX_KEYS} at the most")]
    TooMany(usize),
}

/// Keys that were read.
#[derive(Default)]
pub struct HostKeys {
    pub(crate) keys: Vec<Zeroizing<String>>,
    pub(crate) prints: Vec<Key>,
    /// What should be known of their files.
    pub notices: Vec<String>,
}

impl std::fmt::Debug for HostKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostKeys")
            .field("count", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl HostKeys {
    /// Reads the file of keys. Where there is none, that of earlier versions beside it (`indexer-certs.cfg`) is read, with a notice; where there is
    /// neither, the host has no keys, with a notice too.
    ///
    /// # Errors
    /// A file or a key that is named and cannot be used.
    pub fn read(file: &Path) -> Result<Self, KeysError> {
        let mut found = Self::default();
        let earlier = file.with_file_name("indexer-certs.cfg");
        if !file.exists() && earlier.exists() {
            found.notices.push(format!(
                "there is no {}: {} is read instead; rename it, that is its name since indexers have keys",
                file.display(),
                earlier.display()
            ));
            found.listed(&earlier)?;
        } else if file.exists() {
            found.listed(file)?;
        } else {
            found.notices.push(format!(
                "there is no {}: this host has no keys, and indexes only what is not encrypted",
                file.display()
            ));
        }
        if found.keys.len() > MAX_KEYS {
            return Err(KeysError::TooMany(found.keys.len()));
        }
        Ok(found)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// A file with keys and names of files.
    fn listed(&mut self, file: &Path) -> Result<(), KeysError> {
        let text = self.text(file)?;
        let folder = file.parent().unwrap_or(Path::new("/"));
        for line in self.blocks(file, &text)? {
            let named = folder.join(line);
            if !named.is_dir() {
                self.named(&named)?;
                continue;
            }
            let failed = |source| KeysError::Read {
                file: named.clone(),
                source,
            };
            let mut inside = fs::read_dir(&named)
                .and_then(|entries| {
                    entries
                        .map(|entry| Ok(entry?.path()))
                        .collect::<io::Result<Vec<_>>>()
                })
                .map_err(failed)?;
            inside.sort_unstable();
            for file in inside.iter().filter(|file| file.is_file()) {
                self.named(file)?;
            }
        }
        Ok(())
    }

    /// A file with keys alone.
    fn named(&mut self, file: &Path) -> Result<(), KeysError> {
        let text = self.text(file)?;
        self.blocks(file, &text).map(drop)
    }

    fn text(&mut self, file: &Path) -> Result<Zeroizing<String>, KeysError> {
        let failed = |source| KeysError::Read {
            file: file.to_owned(),
            source,
        };
        let opened = fs::File::open(file).map_err(failed)?;
        let mode = opened.metadata().map_err(failed)?.permissions().mode();
        if mode & OTHERS != 0 {
            let file = file.display();
            self.notices
                .push(format!("{file} is open to others on this host: chmod 600 {file}"));
        }
        let wrong = || KeysError::Text {
            file: file.to_owned(),
        };
        // As large as it may become: nothing of it is left behind by growing.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
        opened.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LONGEST {
            return Err(wrong());
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong())?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// Takes the keys of a text; its other lines.
    fn blocks<'a>(&mut self, file: &Path, text: &'a str) -> Result<Vec<&'a str>, KeysError> {
        let (mut lines, mut block) = (Vec::new(), None::<Zeroizing<String>>);
        for line in text.lines().map(str::trim) {
            if line.starts_with(BEGIN) {
                block = Some(Zeroizing::new(String::with_capacity(text.len())));
            }
            let Some(inside) = &mut block else {
                if !line.is_empty() && !line.starts_with('#') {
                    lines.push(line);
                }
                continue;
            };
            inside.push_str(line);
            inside.push('\n');
            if line.starts_with(END) {
                let whole = block.take().unwrap_or_default();
                self.key(file, whole)?;
            }
        }
        Ok(lines)
    }

    fn key(&mut self, file: &Path, block: Zeroizing<String>) -> Result<(), KeysError> {
        if block.contains("BEGIN CERTIFICATE") {
            return Ok(());
        }
        let key = PrivateKey::from_pem(block.as_bytes()).map_err(|error| KeysError::Key {
            file: file.to_owned(),
            problem: error.to_string(),
        })?;
        if !self.prints.contains(&key.fingerprint()) {
            self.prints.push(key.fingerprint());
            self.keys.push(block);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A new private key, PEM.
    fn key() -> String {
        let made = Command::new("openssl")
            .args(["genpkey", "-algorithm", "x25519"])
            .output()
            .unwrap();
        assert!(made.status.success());
        String::from_utf8(made.stdout).unwrap()
    }

    fn write(file: &Path, text: &str) {
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn keys_stand_in_the_file_in_files_and_in_folders() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let keys: Vec<String> = (0..4).map(|_| key()).collect();
        fs::create_dir(at("more")).unwrap();
        write(&at("one.pem"), &keys[1]);
        write(&at("more/a.pem"), &keys[2]);
        write(&at("more/b.pem"), &format!("{}{}", keys[3], keys[1]));
        let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----";
        let list = format!(
            "# keys\r\n\n{certificate}\n{}\none.pem\n  more\n{}",
            keys[0],
            at("one.pem").display()
        );
        write(&at("indexer-keys.cfg"), &list);
        let found = HostKeys::read(&at("indexer-keys.cfg")).unwrap();
        assert_eq!(
            (found.len(), found.prints.len(), found.notices.len()),
            (4, 4, 0),
            "{:?}",
            found.notices
        );
        assert!(!format!("{found:?}").contains("PRIVATE"));
        // Every one of them opens something.
        assert!(
            found
                .keys
                .iter()
                .all(|key| PrivateKey::from_pem(key.as_bytes()).is_ok())
        );
        fs::set_permissions(at("one.pem"), fs::Permissions::from_mode(0o644)).unwrap();
        let open = HostKeys::read(&at("indexer-keys.cfg")).unwrap();
        assert!(open.notices[0].contains("chmod 600"), "{:?}", open.notices);
    }

    #[test]
    fn the_file_of_earlier_versions_is_read_with_a_notice_and_none_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let none = HostKeys::read(&at("indexer-keys.cfg")).unwrap();
        assert!(none.is_empty() && none.notices[0].contains("indexes only what is not encrypted"));
        write(&at("indexer-certs.cfg"), &key());
        let earlier = HostKeys::read(&at("indexer-keys.cfg")).unwrap();
        assert_eq!(earlier.len(), 1);
        assert!(earlier.notices[0].contains("rename it"), "{:?}", earlier.notices);
        write(&at("indexer-keys.cfg"), "");
        assert!(
            HostKeys::read(&at("indexer-keys.cfg")).unwrap().is_empty(),
            "the new one is there"
        );
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("indexer-keys.cfg");
        let said = |text: &str| {
            write(&file, text);
            sps_bootlog::causes(&HostKeys::read(&file).unwrap_err())
        };
        assert!(said("not-there.pem").contains("not-there.pem"));
        let wrong = said("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----");
        assert!(
            wrong.contains("X25519") && wrong.contains("indexer-keys.cfg"),
            "{wrong}"
        );
        assert!(said(&"x".repeat(LONGEST as usize + 1)).contains("no file of keys"));
    }
}
