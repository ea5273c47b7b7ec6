//! Core files in the trees of the data store: listed, sent, removed. Blocking throughout.
//!
//! Those of earlier layouts are there as long as their trees are: until the firmware is kept for good.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};
use sps_admin::{Context, CoreFile, Failure, Reply, Request, Response};
use sps_datastore_engine::{Kind, layout};

use super::appliance::{Appliance, done};
use super::store::opened;
use crate::services::DATA_FOLDER;

/// Most files that are listed: the newest.
const MOST: usize = 200;
/// Bytes sent at once.
const PIECE: usize = 32 * 1024;
/// Bytes of a digest that make a key.
const KEY: usize = 8;

/// Answers what is asked about them.
pub(super) fn answer(own: &Appliance, request: &Request, context: &Context) -> Reply {
    let found = files(own)?;
    let one = |key: &str| {
        let file = found.iter().find(|(_, file)| file.key == key);
        file.ok_or_else(|| Failure::invalid("there is no such core file; it may have gone with its tree"))
    };
    match request {
        Request::CoreRead { key } => send(&one(key)?.0, context),
        Request::CoreDelete { key } => {
            let (path, file) = one(key)?;
            fs::remove_file(path).map_err(|error| {
                Failure::failed(format!("could not remove the core file {}: {error}", file.name))
            })?;
            Ok(done(format!("core file {} deleted", file.name)))
        }
        _ => Ok(Response::CoreFiles(
            found.into_iter().map(|(_, file)| file).collect(),
        )),
    }
}

/// All of them, the newest first.
fn files(own: &Appliance) -> Result<Vec<(PathBuf, CoreFile)>, Failure> {
    let facts = opened(own)?.store.facts();
    let facts = facts.map_err(|error| Failure::failed(sps_bootlog::causes(&error)))?;
    let mut found = Vec::new();
    for tree in &facts.trees {
        let place = layout(tree.name.layout).and_then(|layout| layout.place(Kind::CoreFiles));
        if let Some(place) = place {
            let name = tree.name.to_string();
            found.extend(in_folder(
                &Path::new(DATA_FOLDER).join(&name).join(place.path),
                &name,
            ));
        }
    }
    found.sort_by_key(|(_, file)| std::cmp::Reverse(file.time));
    found.truncate(MOST);
    Ok(found)
}

/// Plain files only: a link could lead anywhere.
fn in_folder(folder: &Path, tree: &str) -> Vec<(PathBuf, CoreFile)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let path = entry.path();
            let meta = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
            let time = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
            let name = entry.file_name();
            let file = CoreFile {
                key: key(tree, name.as_bytes()),
                name: name.to_string_lossy().into_owned(),
                tree: tree.to_owned(),
                bytes: meta.len(),
                time: time.as_secs(),
            };
            Some((path, file))
        })
        .collect()
}

fn key(tree: &str, name: &[u8]) -> String {
    let digest = Sha256::new()
        .chain_update(tree)
        .chain_update([0])
        .chain_update(name)
        .finalize();
    digest[..KEY].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn send(path: &Path, context: &Context) -> Reply {
    let failed = |error: std::io::Error| Failure::failed(format!("could not read the core file: {error}"));
    let mut file = File::open(path).map_err(failed)?;
    loop {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece).map_err(failed)?;
        if length == 0 {
            return Ok(done(""));
        }
        piece.truncate(length);
        let sent = context.updates.data_blocking(piece);
        sent.map_err(|gone| Failure::failed(gone.to_string()))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_files_are_found_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("core.sshd.1234"), b"dump").unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("core.link")).unwrap();
        let found = in_folder(folder.path(), "layout-4.0");
        assert_eq!(found.len(), 1);
        let file = &found[0].1;
        assert_eq!((file.name.as_str(), file.bytes), ("core.sshd.1234", 4));
        assert_eq!(file.key.len(), 2 * KEY);
        assert_ne!(file.key, key("layout-3.0", b"core.sshd.1234"), "of another tree");
        assert!(in_folder(&folder.path().join("none"), "layout-4.0").is_empty());
    }
}
