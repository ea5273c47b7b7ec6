//! Timestamps of a trail into files that other tools read.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use sps_trail::{Reader, Report};

use super::arguments::ExportArgs;
use super::export::MODE;
use super::reading::{Failure, PIECE};
use super::seals::{Seals, Stamped};

/// Only the owner looks into the folder.
const FOLDER_MODE: u32 = 0o700;

/// Writes each token, `1.tst`, and the signature of the seal that it is about, `1.seal`, into a new folder: `openssl ts -verify -token_in
/// -in 1.tst -data 1.seal -CAfile …` judges them.
pub(super) fn write(arguments: &ExportArgs) -> Result<(Report, u64, bool), Failure> {
    let folder = arguments.output.as_ref().ok_or(Failure::NoFolder)?;
    let mut reader = Reader::new(arguments.signer.load()?);
    let unreadable = |source| Failure::Read {
        path: arguments.file.clone(),
        source,
    };
    let mut file = File::open(&arguments.file).map_err(unreadable)?;
    let made = DirBuilder::new().mode(FOLDER_MODE).create(folder);
    made.map_err(|source| Failure::Write {
        path: folder.clone(),
        source,
    })?;
    let (mut piece, mut seals, mut number) = (vec![0; PIECE], Seals::default(), 0_u64);
    loop {
        let length = file.read(&mut piece).map_err(unreadable)?;
        if length == 0 {
            return Ok((reader.report(), 0, false));
        }
        reader.push(&piece[..length]);
        while let Some(item) = reader.next() {
            if let Some(stamped) = seals.read(&item) {
                number += 1;
                one(folder, number, &stamped)?;
            }
        }
    }
}

fn one(folder: &Path, number: u64, stamped: &Stamped<'_>) -> Result<(), Failure> {
    keep(&folder.join(format!("{number}.tst")), stamped.token)?;
    match &stamped.seal {
        Some(seal) => keep(&folder.join(format!("{number}.seal")), &seal.signature),
        // It is about no seal: what it is about is nowhere.
        None => Ok(()),
    }
}

fn keep(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    let made = options.write(true).create_new(true).mode(MODE).open(path);
    let written = made.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|source| Failure::Write {
        path: path.to_owned(),
        source,
    })
}
