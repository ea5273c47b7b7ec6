//! Key files: two lines of text, a header that says what it is and 64 hexadecimal digits.
//!
//! Invariants: a secret key is only read from a file that nobody but its owner can read, only written with mode
//! 0600, never over an existing file, and wiped from memory after use.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::hex;
use crate::keys::{KEY_SIZE, PublicKey, SecretKey};

const SECRET_HEADER: &str = "sps-secret-key-1 ed25519";
const PUBLIC_HEADER: &str = "sps-public-key-1 ed25519";
/// A key file is some 90 bytes; anything longer is not one.
const MAX_SIZE: u64 = 1024;
/// Only the owner reads and writes.
const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;
/// Permission bits of group and others.
const OTHERS: u32 = 0o077;

/// Why a key file cannot be used.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("cannot read the key file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others can read the secret key.
    #[error(
        "others can read the secret key {path} (mode {mode:04o}): run chmod 600 on it, and consider it known"
    )]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file holds something else.
    #[error("{path} is not a {wanted} file: it must begin with the line `{header}`")]
    Format {
        /// The file.
        path: PathBuf,
        /// What it should be.
        wanted: &'static str,
        /// Its first line then.
        header: &'static str,
    },
    /// The file cannot be written; an existing file is never replaced.
    #[error("cannot write the key file {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system has no random numbers.
    #[cfg(feature = "build")]
    #[error("the system gives no random numbers")]
    Random(#[source] io::Error),
}

/// Reads a secret key.
///
/// # Errors
/// When the file cannot be read, others can read it, or it is no secret key.
pub fn load_secret(path: &Path) -> Result<SecretKey, KeyFileError> {
    let failed = |source| KeyFileError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(KeyFileError::Permissions {
            path: path.to_owned(),
            mode,
        });
    }
    let text = read(&file).map_err(failed)?;
    let wrong = || KeyFileError::Format {
        path: path.to_owned(),
        wanted: "secret key",
        header: SECRET_HEADER,
    };
    let seed = field(&text, SECRET_HEADER)
        .and_then(hex::decode::<KEY_SIZE>)
        .map(Zeroizing::new)
        .ok_or_else(wrong)?;
    Ok(SecretKey::from_seed(&seed))
}

/// Reads a public key.
///
/// # Errors
/// When the file cannot be read or is no public key.
pub fn load_public(path: &Path) -> Result<PublicKey, KeyFileError> {
    let failed = |source| KeyFileError::Read {
        path: path.to_owned(),
        source,
    };
    let text = File::open(path).and_then(|file| read(&file)).map_err(failed)?;
    let key = field(&text, PUBLIC_HEADER).and_then(|key| PublicKey::try_from(key.to_owned()).ok());
    key.ok_or_else(|| KeyFileError::Format {
        path: path.to_owned(),
        wanted: "public key",
        header: PUBLIC_HEADER,
    })
}

/// Writes a secret key to a new file of mode 0600.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn save_secret(path: &Path, key: &SecretKey) -> Result<(), KeyFileError> {
    let digits = Zeroizing::new(hex::encode(key.seed()));
    let text = Zeroizing::new(format!("{SECRET_HEADER}\n{}\n", *digits));
    create(path, SECRET_MODE, text.as_bytes())
}

/// Writes a public key to a new file.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn save_public(path: &Path, key: &PublicKey) -> Result<(), KeyFileError> {
    create(path, PUBLIC_MODE, format!("{PUBLIC_HEADER}\n{key}\n").as_bytes())
}

/// Makes a secret key from the system's random numbers.
///
/// # Errors
/// When the system has none.
#[cfg(feature = "build")]
pub fn generate() -> Result<SecretKey, KeyFileError> {
    let mut seed = Zeroizing::new([0; KEY_SIZE]);
    let got = rustix::rand::getrandom(&mut *seed, rustix::rand::GetRandomFlags::empty());
    match got.map_err(|error| KeyFileError::Random(error.into()))? {
        KEY_SIZE => Ok(SecretKey::from_seed(&seed)),
        _ => Err(KeyFileError::Random(io::ErrorKind::UnexpectedEof.into())),
    }
}

fn read(file: &File) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(MAX_SIZE as usize));
    file.take(MAX_SIZE).read_to_string(&mut text)?;
    Ok(text)
}

fn field<'a>(text: &'a str, header: &str) -> Option<&'a str> {
    text.strip_prefix(header)?.strip_prefix('\n')?.strip_suffix('\n')
}

/// Writes beside and links into place, which fails when the name is taken: nothing half written, nothing replaced.
fn create(path: &Path, mode: u32, content: &[u8]) -> Result<(), KeyFileError> {
    let beside = path.with_added_extension(format!("new-{}", std::process::id()));
    let written = write_new(&beside, mode, content).and_then(|()| std::fs::hard_link(&beside, path));
    // Gone or not, the name beside is of no further use; what counts is whether the key stands.
    let _ = std::fs::remove_file(&beside);
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let synced = written
        .and_then(|()| File::open(folder))
        .and_then(|folder| folder.sync_all());
    synced.map_err(|source| KeyFileError::Write {
        path: path.to_owned(),
        source,
    })
}

fn write_new(path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, public) = (folder.path().join("k"), folder.path().join("k.pub"));
        let key = generate().unwrap();
        save_secret(&secret, &key).unwrap();
        save_public(&public, &key.public()).unwrap();
        assert_eq!(load_secret(&secret).unwrap().public(), key.public());
        assert_eq!(load_public(&public).unwrap(), key.public());
        assert_eq!(fs::metadata(&secret).unwrap().mode() & 0o7777, SECRET_MODE);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            2,
            "a scratch file stayed"
        );
    }

    #[test]
    fn every_key_is_another() {
        assert_ne!(generate().unwrap().public(), generate().unwrap().public());
    }

    #[test]
    fn a_key_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        save_secret(&path, &SecretKey::development()).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o611] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(
                matches!(load_secret(&path), Err(KeyFileError::Permissions { .. })),
                "{mode:o} was taken"
            );
        }
    }

    #[test]
    fn an_existing_key_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        save_secret(&path, &SecretKey::development()).unwrap();
        assert!(save_secret(&path, &generate().unwrap()).is_err());
        assert_eq!(
            load_secret(&path).unwrap().public(),
            SecretKey::development().public()
        );
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        save_public(&path, &SecretKey::development().public()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for bad in [
            text.to_uppercase(),
            text.replace("public", "secret"),
            format!("{text}\n"),
            String::new(),
        ] {
            fs::write(&path, bad).unwrap();
            assert!(matches!(load_public(&path), Err(KeyFileError::Format { .. })));
        }
    }
}
