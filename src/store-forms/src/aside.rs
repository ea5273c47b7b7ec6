//! A damaged session database is put aside, whole, so that the appliance goes on with a new one; what can be read of the old one comes
//! into the new one afterwards.
//!
//! A note beside the database says which were put aside and not read yet. It is written first, as *moving*: until everything is moved
//! no new database is made, so that the log of the old one can never be taken for the new one's. Invariant: nothing is ever removed here
//! but the note.

use std::io;

use serde::{Deserialize, Serialize};
use sps_durable::{Medium, ReplaceError, replace};
use thiserror::Error;

use crate::forms::SESSIONS;

/// The note, beside the database.
const NOTE: &str = "salvage.json";
/// Longest note, bytes.
const MOST: usize = 64 * 1024;
const FORMAT: u32 = 1;
/// Begin of the names of folders with what was put aside.
pub(crate) const PREFIX: &str = "damaged-";
/// The files a database consists of.
const FILES: [&str; 3] = [SESSIONS, "sessions.db-wal", "sessions.db-shm"];

/// What was put aside and is not read yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aside {
    format: u32,
    /// Whether files of the last one may still be in the old place.
    moving: bool,
    /// Why the database that is in use is to be put aside at the next start.
    #[serde(default)]
    suspect: Option<String>,
    /// Oldest first.
    pub databases: Vec<Damaged>,
}

/// A damaged database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Damaged {
    /// Its folder, beside the new database.
    pub folder: String,
    /// When it was put aside, seconds since 1970.
    pub at: u64,
    /// What was found.
    pub why: String,
}

/// Why it was not put aside.
#[derive(Debug, Error)]
pub enum AsideError {
    /// The note cannot be read.
    #[error("could not read {NOTE} beside the session database")]
    Read(#[source] io::Error),
    /// The note is damaged.
    #[error(
        "{NOTE} beside the session database is damaged: remove it when nothing of {SESSIONS} is there beside it"
    )]
    Damaged(#[source] serde_json::Error),
    /// The note cannot be kept.
    #[error("could not keep {NOTE} beside the session database")]
    Keep(#[source] ReplaceError),
    /// It cannot be written out.
    #[error("could not write {NOTE} out")]
    Encode(#[source] serde_json::Error),
    /// A file cannot be moved.
    #[error("could not put {file} of the damaged session database aside")]
    Move {
        /// The file.
        file: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The note cannot be removed.
    #[error("could not remove {NOTE} beside the session database")]
    Forget(#[source] io::Error),
}

/// What is put aside, once everything of it is: finishes what an earlier start began.
///
/// # Errors
/// A step on disk failed.
pub(crate) fn resume(medium: &mut dyn Medium) -> Result<Aside, AsideError> {
    let mut aside = load(medium)?;
    if aside.moving {
        move_files(medium, &aside)?;
        aside.moving = false;
        save(medium, &aside)?;
    }
    Ok(aside)
}

/// Puts the database aside. `now` is in seconds since 1970.
///
/// # Errors
/// A step on disk failed: the next start goes on with it.
pub(crate) fn put_aside(medium: &mut dyn Medium, why: &str, now: u64) -> Result<Aside, AsideError> {
    let mut aside = resume(medium)?;
    let taken = medium.list("").map_err(AsideError::Read)?;
    let free = (now..).map(|number| format!("{PREFIX}{number}"));
    let folder = free.into_iter().find(|name| !taken.contains(name));
    aside.databases.push(Damaged {
        folder: folder.unwrap_or_default(),
        at: now,
        why: why.chars().take(1024).collect(),
    });
    aside.moving = true;
    aside.suspect = None;
    aside.format = FORMAT;
    save(medium, &aside)?;
    resume(medium)
}

/// Notes that the database in use is damaged: the next start puts it aside.
///
/// # Errors
/// A step on disk failed.
pub(crate) fn suspect(medium: &mut dyn Medium, why: &str) -> Result<(), AsideError> {
    let mut aside = load(medium)?;
    aside.format = FORMAT;
    aside.suspect = Some(why.to_owned());
    save(medium, &aside)
}

/// What is put aside; a database that was found damaged in use is put aside before. `now` is in seconds since 1970.
///
/// # Errors
/// A step on disk failed.
pub(crate) fn at_start(medium: &mut dyn Medium, now: u64) -> Result<Aside, AsideError> {
    let aside = resume(medium)?;
    match aside.suspect {
        Some(why) => put_aside(medium, &why, now),
        None => Ok(aside),
    }
}

/// Everything was read: there is nothing to go on with any more. The files stay where they are.
///
/// # Errors
/// A step on disk failed.
pub(crate) fn read_all(medium: &mut dyn Medium) -> Result<(), AsideError> {
    medium
        .remove(NOTE)
        .and_then(|()| medium.sync_folder(""))
        .map_err(AsideError::Forget)
}

fn move_files(medium: &mut dyn Medium, aside: &Aside) -> Result<(), AsideError> {
    let Some(last) = aside.databases.last() else {
        return Ok(());
    };
    let folder = &last.folder;
    let failed = |file| move |source| AsideError::Move { file, source };
    medium.create_folder(folder).map_err(failed("the folder"))?;
    medium.sync_folder("").map_err(failed("the folder"))?;
    let there = medium.list("").map_err(AsideError::Read)?;
    for file in FILES {
        if there.iter().any(|name| name == file) {
            medium
                .rename(file, &format!("{folder}/{file}"))
                .map_err(failed(file))?;
        }
    }
    medium.sync_folder(folder).map_err(failed("the folder"))?;
    medium.sync_folder("").map_err(failed("the folder"))
}

fn load(medium: &dyn Medium) -> Result<Aside, AsideError> {
    let bytes = medium.read(NOTE, MOST).map_err(AsideError::Read)?;
    match bytes {
        Some(bytes) => serde_json::from_slice(&bytes).map_err(AsideError::Damaged),
        None => Ok(Aside::default()),
    }
}

fn save(medium: &mut dyn Medium, aside: &Aside) -> Result<(), AsideError> {
    let bytes = serde_json::to_vec(aside).map_err(AsideError::Encode)?;
    replace(medium, NOTE, &bytes).map_err(AsideError::Keep)
}

#[cfg(test)]
mod tests;
