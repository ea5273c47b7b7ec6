//! How fast this disk is, measured for a moment beside the data: what an estimate is made from.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use sps_datastore_engine::Rates;

use crate::disk::Folder;
use crate::error::StoreError;
use crate::steps::Step;

/// Folder of the measurement; removed by it, or by the next one.
const SCRATCH: &[u8] = b"measuring";
/// Links that are made: a tenth of a second on a slow disk.
const LINKS: u32 = 2_000;
/// Files copied, for what a file costs beside its bytes.
const FILES: u32 = 20;
/// Pieces of a MiB that are written and hashed.
const PIECES: u32 = 16;

/// Measures on the file system of `root`; a second or less on a disk that is not busy.
pub(crate) fn measure(root: &Folder) -> Result<Rates, StoreError> {
    remove(root)?;
    let scratch = root.folder_made(SCRATCH)?;
    let rates = links(&scratch).and_then(|links| {
        Ok(Rates {
            links,
            copies: files(&scratch)?,
            bytes: bytes(&scratch)?,
        })
    });
    remove(root)?;
    rates
}

fn links(scratch: &Folder) -> Result<f64, StoreError> {
    drop(scratch.create(b"linked")?);
    let begun = Instant::now();
    for number in 0..LINKS {
        let name = format!("link-{number:08}-of-the-usual-length.zat");
        let linked = scratch.link(b"linked", scratch, name.as_bytes());
        linked.map_err(StoreError::change(Step::Link, scratch.path_of(name.as_bytes())))?;
    }
    scratch.sync_all()?;
    Ok(rate(f64::from(LINKS), begun.elapsed()))
}

fn files(scratch: &Folder) -> Result<f64, StoreError> {
    let begun = Instant::now();
    for number in 0..FILES {
        let name = format!("file-{number}").into_bytes();
        let mut file = scratch.create(&name)?;
        scratch.write(&name, &mut file, b"x")?;
        file.sync_all()
            .map_err(StoreError::change(Step::SyncFile, scratch.path_of(&name)))?;
    }
    Ok(rate(f64::from(FILES), begun.elapsed()))
}

fn bytes(scratch: &Folder) -> Result<f64, StoreError> {
    let mut file = scratch.create(b"bytes")?;
    let piece: Vec<u8> = (0..1_u32 << 20)
        .map(|byte| byte.wrapping_mul(2_654_435_761).to_le_bytes()[3])
        .collect();
    let mut digest = Sha256::new();
    let begun = Instant::now();
    for _ in 0..PIECES {
        scratch.write(b"bytes", &mut file, &piece)?;
        // Once for what is read, once for what the disk gives back.
        digest.update(&piece);
        digest.update(&piece);
    }
    file.sync_all()
        .map_err(StoreError::change(Step::SyncFile, scratch.path_of(b"bytes")))?;
    std::hint::black_box(digest.finalize());
    Ok(rate(f64::from(PIECES) * f64::from(1 << 20), begun.elapsed()))
}

fn rate(amount: f64, took: Duration) -> f64 {
    amount / took.as_secs_f64().max(1e-6)
}

fn remove(root: &Folder) -> Result<(), StoreError> {
    crate::clean::remove_below(root, SCRATCH, &mut || true).map(drop)
}
