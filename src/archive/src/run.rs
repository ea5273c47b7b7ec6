//! A run of a policy: trails go to the shelf, or their time is over; the oldest first.
//!
//! The order for each is always the same, and a run that is cut off anywhere is gone on with by the next: hash, store record and trail,
//! read back and compare, note durably, remove the local file, note that it is gone. The name on the shelf holds a part of the hash,
//! so that storing again stores the same, and nothing that is there is ever overwritten by something else.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::{ArchiveError, ShelfError};
use crate::keeper::{Keeper, Note, Trail};
use crate::names::{digest, hex, object};
use crate::shelf::{Shelf, Stored};

/// Digits of the hash in a name: two trails of the same session and these never differ.
const HASH_IN_NAME: usize = 16;
/// Bytes read at once.
const PIECE: usize = 256 * 1024;
/// Reasons for trails that were passed over that are told.
const MOST_TOLD: usize = 20;

/// What a run does.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Name of the policy.
    pub policy: &'a str,
    /// Where trails go; none: their time is over.
    pub shelf: Option<&'a Shelf>,
    /// Name of the appliance: its folder on the shelf.
    pub appliance: &'a str,
    /// When it is, seconds since 1970.
    pub now: u64,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// Trails that went.
    pub trails: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Trails that an earlier run had noted and not removed.
    pub finished: u64,
    /// Trails that were passed over.
    pub skipped: u64,
    /// Some of them.
    pub told: Vec<Skipped>,
    /// Whether it was called off before its end.
    pub stopped: bool,
}

/// A trail that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The session.
    pub id: String,
    /// Why, for people.
    pub why: String,
}

/// Runs a policy. `go_on` is asked before each trail.
///
/// # Errors
/// The shelf or the keeper failed; what was done stays done, and the next run goes on.
pub fn archive(
    run: &Run<'_>,
    keeper: &mut dyn Keeper,
    go_on: &mut dyn FnMut(&Archived) -> bool,
) -> Result<Archived, ArchiveError> {
    let mut done = Archived {
        finished: finish(keeper)?,
        ..Archived::default()
    };
    let mut from = None;
    loop {
        let trails = keeper
            .due(from)
            .map_err(ArchiveError::keeper("look for trails that are due"))?;
        for trail in &trails.due {
            if !go_on(&done) {
                done.stopped = true;
                return Ok(done);
            }
            one(run, keeper, trail, &mut done)?;
        }
        from = trails.next;
        if from.is_none() {
            return Ok(done);
        }
    }
}

/// Removes what an earlier run noted and did not remove.
fn finish(keeper: &mut dyn Keeper) -> Result<u64, ArchiveError> {
    let mut finished = 0;
    loop {
        let here = keeper
            .still_here()
            .map_err(ArchiveError::keeper("look for trails to remove"))?;
        if here.is_empty() {
            return Ok(finished);
        }
        finished += here.len() as u64;
        for (id, name) in &here {
            keeper
                .remove(id, name)
                .map_err(ArchiveError::keeper("remove a trail"))?;
        }
        let ids = here.into_iter().map(|(id, _)| id).collect();
        keeper
            .gone(ids)
            .map_err(ArchiveError::keeper("note that trails are gone"))?;
    }
}

fn one(
    run: &Run<'_>,
    keeper: &mut dyn Keeper,
    trail: &Trail,
    done: &mut Archived,
) -> Result<(), ArchiveError> {
    let noted = match run.shelf {
        Some(shelf) => stored(run, shelf, keeper, trail)?,
        None => Ok((String::new(), String::new())),
    };
    let (object, sha256) = match noted {
        Ok(noted) => noted,
        Err(why) => {
            done.skipped += 1;
            if done.told.len() < MOST_TOLD {
                let id = trail.id.clone();
                done.told.push(Skipped { id, why });
            }
            return Ok(());
        }
    };
    let note = Note {
        id: trail.id.clone(),
        policy: run.policy.to_owned(),
        target: run.shelf.map(|shelf| shelf.place().to_owned()),
        object,
        at: run.now,
        sha256,
    };
    keeper
        .note(note)
        .map_err(ArchiveError::keeper("note where a trail is"))?;
    keeper
        .remove(&trail.id, &trail.name)
        .map_err(ArchiveError::keeper("remove a trail"))?;
    keeper
        .gone(vec![trail.id.clone()])
        .map_err(ArchiveError::keeper("note that a trail is gone"))?;
    done.trails += 1;
    done.bytes += trail.size;
    Ok(())
}

/// Stores and verifies; name and hash, or why the trail is passed over.
fn stored(
    run: &Run<'_>,
    shelf: &Shelf,
    keeper: &mut dyn Keeper,
    trail: &Trail,
) -> Result<Result<(String, String), String>, ArchiveError> {
    let (mut file, path) = match keeper.open(trail) {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(Err("its audit trail is missing: restore it from a backup".into())),
        Err(error) if error.is::<std::io::Error>() => return Ok(Err(unreadable(&*error))),
        Err(error) => return Err(ArchiveError::keeper("open a trail")(error)),
    };
    let local = match hashed(&mut file, &path) {
        Err(ShelfError::File { source, .. }) => return Ok(Err(unreadable(&source))),
        hashed => hashed?,
    };
    if local.size != trail.size {
        return Ok(Err(format!(
            "its audit trail has {} bytes and should have {}: it is not whole, or still being written",
            local.size, trail.size
        )));
    }
    let name = name_of(run.appliance, &trail.name, &local);
    let record = keeper
        .record(&trail.id)
        .map_err(ArchiveError::keeper("read the record of a session"))?;
    shelf.put_bytes(&format!("{name}.json"), record)?;
    file.rewind().map_err(ShelfError::file("read", &path))?;
    match shelf.put(&name, &mut file, &local, &path) {
        Err(ShelfError::Changed { .. }) => {
            return Ok(Err("its audit trail changed while it was stored".into()));
        }
        Err(ShelfError::File { source, .. }) => return Ok(Err(unreadable(&source))),
        put => put?,
    }
    shelf.verify(&name, &local)?;
    Ok(Ok((name, hex(&local.sha256))))
}

/// Why a trail stays that the disk does not give: the others are not kept waiting for it.
fn unreadable(error: &dyn std::error::Error) -> String {
    format!("its audit trail cannot be read: {error}; check the disk, and restore it from a backup")
}

/// `archive/APPLIANCE/2024/05/17/ID-HASH.zat`.
fn name_of(appliance: &str, trail: &str, local: &Stored) -> String {
    let plain = object(trail);
    let digits = hex(&local.sha256);
    let hash = digits.get(..HASH_IN_NAME).unwrap_or(&digits);
    let (folder, last) = plain
        .rsplit_once('/')
        .map_or((String::new(), plain.as_str()), |(folder, last)| {
            (format!("{folder}/"), last)
        });
    let named = match last.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem}-{hash}.{ending}"),
        _ => format!("{last}-{hash}"),
    };
    format!("archive/{}/{folder}{named}", crate::names::part(appliance))
}

/// Size and hash of a local file.
pub(crate) fn hashed(file: &mut File, path: &Path) -> Result<Stored, ShelfError> {
    let (mut digest, mut size) = (Sha256::new(), 0);
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece).map_err(ShelfError::file("read", path))?;
        if read == 0 {
            break;
        }
        digest.update(&piece[..read]);
        size += read as u64;
    }
    Ok(Stored {
        size,
        sha256: digest.finalize().into(),
    })
}

/// Fetches an archived trail back: what is written to `to` is whole when this returns.
///
/// # Errors
/// It is not there, or not what was archived.
pub fn fetch(shelf: &Shelf, object: &str, sha256: &str, to: &mut dyn Write) -> Result<u64, ShelfError> {
    let differs = || ShelfError::Differs {
        place: shelf.place().to_owned(),
        name: object.to_owned(),
    };
    let wanted = digest(sha256).ok_or_else(differs)?;
    let found = shelf.get(object, to)?;
    if found.sha256 == wanted {
        Ok(found.size)
    } else {
        Err(differs())
    }
}
