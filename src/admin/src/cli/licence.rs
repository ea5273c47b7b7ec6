//! A licence file on the asker's own machine.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::failure::Failure;
use crate::licence::{LICENCE_BYTES, LicenceFile};

/// Reads it; no more of it than a licence may have.
pub(super) fn read(path: &Path) -> Result<LicenceFile, Failure> {
    let bytes = start(path)
        .map_err(|error| Failure::invalid(format!("could not read {}: {error}", path.display())))?;
    LicenceFile::new(bytes)
}

fn start(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = LICENCE_BYTES as u64 + 1;
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
