//! A backup adds the sessions and audit trails that are missing. Nothing that is here is replaced or removed.
//!
//! A trail is whole, on the disk and in its place before its session is known: what a power cut leaves is used by the next try.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sps_archive::{BackupError, Shelf, restore_some};
use sps_datastore::Catalogue;
use sps_datastore_engine::{Kind, layout};
use sps_session_record::SessionRecord;
use sps_sessions::Sessions;

use super::error::SpaceError;
use super::moving::GoOn;
use super::room::Spare;
use crate::services::Opened;

/// What was added, and what was not.
#[derive(Debug, Default)]
struct Added {
    sessions: u64,
    trails: u64,
    bytes: u64,
    /// Sessions that are here already.
    known: u64,
    /// Sessions added whose trail is not in the backup.
    bare: u64,
    /// Sessions left out: there is another file where their trail would be.
    other: u64,
}

/// The sessions that are missing, before anything is built.
#[derive(Default)]
struct Missing {
    /// Paths of their trails in the tree.
    trails: HashSet<Vec<u8>>,
    bytes: u64,
}

impl Spare {
    /// Adds what is missing from the backup whose manifest is in `scratch`; what it did, for people.
    pub(super) fn add(
        &self,
        shelf: &Shelf,
        backup: (&str, &str),
        scratch: &Path,
        go_on: GoOn<'_>,
    ) -> Result<String, SpaceError> {
        let (opened, sessions) = self.sessions()?;
        let theirs = database(shelf, backup, &opened, scratch)?;
        let mut catalogue = opened.catalogue().map_err(SpaceError::Content)?;
        let mut done = Added::default();
        let missing = missing(&theirs, catalogue.as_ref(), &opened)?;
        let free = opened.store.usage()?.free;
        if missing.bytes > free {
            let needed = missing.bytes;
            return Err(SpaceError::NoRoom { needed, free });
        }
        let built = scratch.join("trail");
        let place = |relative: &[u8]| missing.trails.contains(relative).then(|| built.clone());
        let mut keep = |relative: &[u8], built: &Path| {
            let size = fs::metadata(built)?.len();
            into_place(&opened.path, relative, built)?;
            done.trails += 1;
            done.bytes += size;
            Ok(())
        };
        restore_some(shelf, backup, scratch, &place, &mut keep, go_on)?;
        for record in theirs.records() {
            let record = record?;
            if !go_on(done.trails, done.bytes) {
                return Err(BackupError::Stopped.into());
            }
            if catalogue.has(&record.id).map_err(SpaceError::Content)? {
                done.known += 1;
                continue;
            }
            match trail(&opened, &record) {
                Trail::Other => {
                    done.other += 1;
                    continue;
                }
                Trail::Here => opened.keep_session(&record).map_err(SpaceError::Add)?,
                Trail::None => catalogue.insert(&record).map_err(SpaceError::Add)?,
            }
            done.sessions += 1;
            match theirs.archived(&record.id)? {
                Some(note) => {
                    sessions.archive(note)?;
                }
                None if record.trail.is_some() && matches!(trail(&opened, &record), Trail::None) => {
                    done.bare += 1;
                }
                None => {}
            }
        }
        Ok(told(backup, &done))
    }
}

/// The session database of the backup, in `scratch`.
fn database(
    shelf: &Shelf,
    backup: (&str, &str),
    opened: &Opened,
    scratch: &Path,
) -> Result<Sessions, SpaceError> {
    let (_, name) = opened
        .sessions
        .as_ref()
        .and_then(|sessions| Some((sessions, sessions.path().strip_prefix(&opened.path).ok()?)))
        .ok_or(SpaceError::NoStore)?;
    let path = scratch.join("backup.db");
    let place = |relative: &[u8]| (relative == name.as_os_str().as_bytes()).then(|| path.clone());
    restore_some(shelf, backup, scratch, &place, &mut |_, _| Ok(()), &mut |_, _| {
        true
    })?;
    if !path.exists() {
        return Err(SpaceError::NoDatabase);
    }
    Ok(Sessions::open(&path)?)
}

fn missing(theirs: &Sessions, here: &dyn Catalogue, opened: &Opened) -> Result<Missing, SpaceError> {
    let mut missing = Missing::default();
    let folder = layout(opened.layout).and_then(|layout| layout.place(Kind::Trails));
    let folder = folder.ok_or(SpaceError::NoStore)?.path;
    for record in theirs.records() {
        let record = record?;
        let Some(file) = &record.trail else { continue };
        if matches!(trail(opened, &record), Trail::None)
            && !here.has(&record.id).map_err(SpaceError::Content)?
        {
            missing
                .trails
                .insert(format!("{folder}/{}", file.name).into_bytes());
            missing.bytes = missing.bytes.saturating_add(file.size);
        }
    }
    Ok(missing)
}

/// What is where the trail of a session would be.
enum Trail {
    /// The trail, by its size.
    Here,
    /// Another file.
    Other,
    /// Nothing, or the session has no trail.
    None,
}

fn trail(opened: &Opened, record: &SessionRecord) -> Trail {
    let Some(file) = &record.trail else {
        return Trail::None;
    };
    match fs::symlink_metadata(opened.place(Kind::Trails).join(&file.name)) {
        Ok(found) if found.is_file() && found.len() == file.size => Trail::Here,
        Ok(_) => Trail::Other,
        Err(_) => Trail::None,
    }
}

/// Gives a built trail its name; a file that has the name already keeps it.
fn into_place(root: &Path, relative: &[u8], built: &Path) -> io::Result<()> {
    let path: PathBuf = root.join(OsStr::from_bytes(relative));
    let folder = path.parent().unwrap_or(root);
    fs::create_dir_all(folder)?;
    match fs::hard_link(built, &path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    fs::remove_file(built)?;
    let mut above = Some(folder);
    while let Some(folder) = above.filter(|folder| folder.starts_with(root)) {
        File::open(folder)?.sync_all()?;
        above = folder.parent();
    }
    Ok(())
}

fn told((appliance, name): (&str, &str), done: &Added) -> String {
    let mut text = format!(
        "the backup {name} of {appliance} added {} sessions and {} audit trails, {} bytes; {} sessions were here already and are as they were",
        done.sessions, done.trails, done.bytes, done.known
    );
    if done.bare > 0 {
        text += &format!("; the audit trails of {} are not in it", done.bare);
    }
    if done.other > 0 {
        text += &format!(
            "; {} were left out: another file lies where their audit trail would, `sps store check` names it",
            done.other
        );
    }
    text
}
