//! Files read piece by piece, with keys from other files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sps_timestamp::AuthorityError;
use sps_trail::{Event, KeyError, Playback, PrivateKey, PublicKey, Report, TrailError};
use thiserror::Error;
use zeroize::Zeroizing;

use super::arguments::{Keys, Signer};

/// Every trail is whole.
pub const WHOLE: u8 = 0;
/// A trail is not whole.
pub const NOT_WHOLE: u8 = 1;
/// Something could not be read, or not be opened with the keys.
pub const UNREADABLE: u8 = 2;

/// Bytes that are read at a time.
pub(super) const PIECE: usize = 64 * 1024;
/// Longest file of a key or a certificate.
const MAX_KEY: u64 = 1024 * 1024;

/// Why nothing came of it.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error("cannot read {}: {source}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{}: {source}", .path.display())]
    Key { path: PathBuf, source: KeyError },
    #[error("{}: {source}", .path.display())]
    Signer { path: PathBuf, source: TrailError },
    #[error("{}: {source}", .path.display())]
    Authority { path: PathBuf, source: AuthorityError },
    #[error("timestamps are written into a new folder: name one by --output")]
    NoFolder,
    /// A stream is broken: told by its caller.
    #[error("{0}")]
    Stream(#[from] io::Error),
}

pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|file| file.take(MAX_KEY).read_to_end(&mut bytes))
        .map_err(|source| Failure::Read {
            path: path.to_owned(),
            source,
        })?;
    Ok(bytes)
}

impl Signer {
    pub(super) fn load(&self) -> Result<Option<PublicKey>, Failure> {
        let Some(path) = &self.signer else { return Ok(None) };
        let key = PublicKey::from_pem(&read(path)?);
        key.map(Some).map_err(|source| Failure::Signer {
            path: path.clone(),
            source,
        })
    }
}

impl Keys {
    fn load(&self) -> Result<Vec<PrivateKey>, Failure> {
        let files = self.key.iter().chain(&self.upstream_key);
        files
            .map(|path| {
                PrivateKey::from_pem(&read(path)?).map_err(|source| Failure::Key {
                    path: path.clone(),
                    source,
                })
            })
            .collect()
    }
}

/// What is told while a trail is read.
pub(super) enum Part<'a> {
    /// The head was read and is good.
    Head(&'a Report),
    /// Something happened.
    Event(&'a Event<'a>),
}

/// Reads a trail to its end, or as far as it is good.
pub(super) fn each(
    path: &Path,
    keys: &Keys,
    signer: &Signer,
    mut tell: impl FnMut(Part<'_>) -> Result<(), Failure>,
) -> Result<(Report, u64), Failure> {
    let unreadable = |source| Failure::Read {
        path: path.to_owned(),
        source,
    };
    let locked = |source| Failure::Key {
        path: path.to_owned(),
        source,
    };
    let mut playback = Playback::new(signer.load()?, keys.load()?);
    let mut file = File::open(path).map_err(unreadable)?;
    let mut piece = vec![0; PIECE];
    let mut told = false;
    loop {
        let length = file.read(&mut piece).map_err(unreadable)?;
        playback.push(&piece[..length]);
        while let Some(event) = playback.next().map_err(locked)? {
            if !std::mem::replace(&mut told, true) {
                tell(Part::Head(&playback.report()))?;
            }
            tell(Part::Event(&event))?;
        }
        if length == 0 {
            break;
        }
    }
    let report = playback.report();
    if !told && report.head.is_some() {
        tell(Part::Head(&report))?;
    }
    for event in playback.drain() {
        tell(Part::Event(&event))?;
    }
    Ok((report, playback.closed()))
}

/// What is to be said of a trail that was read, and the exit status.
pub(super) fn verdict(path: &Path, report: &Report, closed: u64) -> (Vec<String>, u8) {
    let name = path.display();
    let mut said = Vec::new();
    if closed > 0 {
        said.push(format!(
            "{name}: what was typed is left out: it is encrypted for others (--upstream-key)"
        ));
    }
    if report.state == sps_trail::State::Complete {
        return (said, WHOLE);
    }
    said.push(format!("{name}: {}; what is before that is here", report.state));
    (
        said,
        if report.head.is_some() {
            NOT_WHOLE
        } else {
            UNREADABLE
        },
    )
}
