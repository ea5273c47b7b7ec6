//! `sps image verify` and `sps image show`: arguments and exit statuses.
//!
//! Exit status: 0 the image is good, 1 it is refused, 2 it could not be judged (not readable, a bad key file).
//! Invariant: nothing but the named files is opened, nothing is written but to the two streams given.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::iso9660;
use crate::keyfile;
use crate::keys::{SecretKey, Trust};
use crate::manifest::Manifest;
use crate::names;
use crate::show::{self, SignatureState};
use crate::source::FileSource;
use crate::verify::{self, Refusal, VerifyError};

/// The image is good.
pub const GOOD: u8 = 0;
/// The image is refused.
pub const REFUSED: u8 = 1;
/// The image could not be judged.
pub const UNREADABLE: u8 = 2;

/// Checks a firmware image: signature, then every byte
///
/// Exit status: 0 good, 1 refused, 2 could not be read.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The firmware ISO
    file: PathBuf,
    #[command(flatten)]
    trusted: TrustedKey,
}

/// Shows what a firmware image says it is
///
/// Exit status: 0 shown, 1 not a firmware image, 2 could not be read. Says whether the signature is good, but does
/// not check the payloads: that is `verify`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// The firmware ISO
    file: PathBuf,
    /// Prints the manifest as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    trusted: TrustedKey,
}

/// Whose signature counts.
#[derive(Args, Clone, Debug)]
struct TrustedKey {
    /// Public key file to trust [default: the keys of this appliance; elsewhere the published development key]
    #[arg(long = "key", value_name = "PUB")]
    key: Option<PathBuf>,
}

impl TrustedKey {
    fn trust(&self, appliance: &Path) -> Result<Trust, String> {
        if let Some(path) = &self.key {
            return keyfile::load_public(path)
                .map(Trust::only)
                .map_err(|error| show::chain(&error));
        }
        let text = match std::fs::read(appliance) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Trust::only(SecretKey::development().public()));
            }
            read => read.map_err(|error| format!("cannot read {}: {error}", appliance.display()))?,
        };
        Trust::from_json(&text).map_err(|error| format!("{}: {}", appliance.display(), show::chain(&error)))
    }
}

/// Where a running appliance keeps the keys it trusts.
fn appliance_trust() -> PathBuf {
    Path::new("/").join(names::TRUST_FILE)
}

/// Runs `verify`; the return value is the exit status.
///
/// # Errors
/// When a stream cannot be written.
pub fn verify(arguments: &VerifyArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let name = arguments.file.display().to_string();
    let trust = match arguments.trusted.trust(&appliance_trust()) {
        Ok(trust) => trust,
        Err(message) => return writeln!(err, "{message}").map(|()| UNREADABLE),
    };
    let result = open(&arguments.file).and_then(|source| verify::verify(&source, &trust));
    match result {
        Ok(verified) => write!(out, "{}", show::accepted(&name, &verified)).map(|()| GOOD),
        Err(error) => reject(&name, &error, err),
    }
}

/// Runs `show`; the return value is the exit status.
///
/// # Errors
/// When a stream cannot be written.
pub fn show(arguments: &ShowArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let trust = match arguments.trusted.trust(&appliance_trust()) {
        Ok(trust) => trust,
        Err(message) => return writeln!(err, "{message}").map(|()| UNREADABLE),
    };
    match read_manifest(&arguments.file, &trust) {
        Ok((manifest, _)) if arguments.json => {
            write!(out, "{}", show::json(&manifest).map_err(io::Error::other)?).map(|()| GOOD)
        }
        Ok((manifest, state)) => write!(out, "{}", show::table(&manifest, state)).map(|()| GOOD),
        Err(error) => reject(&arguments.file.display().to_string(), &error, err),
    }
}

fn reject(name: &str, error: &VerifyError, err: &mut dyn Write) -> io::Result<u8> {
    write!(err, "{}", show::rejected(name, error))?;
    Ok(match error {
        VerifyError::Unreadable(_) => UNREADABLE,
        VerifyError::Refused(_) => REFUSED,
    })
}

fn open(path: &Path) -> Result<FileSource, VerifyError> {
    Ok(FileSource::new(File::open(path)?)?)
}

fn read_manifest(path: &Path, trust: &Trust) -> Result<(Manifest, SignatureState), VerifyError> {
    let source = open(path)?;
    let files = iso9660::read(&source)?;
    let signed = verify::signed_manifest(&source, &files)?;
    let id = signed.signature.key();
    let state = match trust.find(id) {
        None => SignatureState::UnknownKey(id),
        Some(key) if key.verifies(&signed.manifest, &signed.signature) => SignatureState::Good(key),
        Some(_) => SignatureState::Bad(id),
    };
    Ok((
        Manifest::from_json(&signed.manifest).map_err(Refusal::Manifest)?,
        state,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KEY_SIZE;

    #[test]
    fn the_appliance_s_keys_come_before_the_development_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trust.json");
        let none = TrustedKey { key: None };
        assert_eq!(
            none.trust(&path).unwrap(),
            Trust::only(SecretKey::development().public())
        );
        let release = Trust::only(SecretKey::from_seed(&[3; KEY_SIZE]).public());
        std::fs::write(&path, release.to_json().unwrap()).unwrap();
        assert_eq!(none.trust(&path).unwrap(), release);
        std::fs::write(&path, "{}").unwrap();
        assert!(
            none.trust(&path).is_err(),
            "a damaged list fell back to the development key"
        );
    }
}
