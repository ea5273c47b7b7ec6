//! Sessions that are carried from tree to tree.
//!
//! ```text
//! carry/<session>/record.json   the session, as every version tells it
//! carry/<session>/trail         its audit trail: another name of the file in the tree
//! ```
//!
//! A session appears by one rename, when all of it is permanent.

use std::io::{self, Read};

use rustix::io::Errno;
use sps_datastore_engine::{Arrangement, CARRY, Form, Kind, Layout, Place, TreeName, arranged, layout};
use sps_session_record::{MAX_SIZE, SessionRecord, TrailFile};

use crate::content::{Catalogue, Content};
use crate::disk::Folder;
use crate::error::StoreError;
use crate::steps::Step;
use crate::walk::{Met, walk};

const RECORD: &[u8] = b"record.json";
const TRAIL: &[u8] = b"trail";
/// Before the name of a session that is not whole yet.
const NEW: &str = ".new-";

/// What was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Sessions that were new to the tree.
    pub sessions: u64,
    /// Sessions it knew already.
    pub known: u64,
    /// What could not be read, and why.
    pub problems: Vec<String>,
}

/// Carries a session of the tree out.
pub(crate) fn out(root: &Folder, tree: TreeName, record: &SessionRecord) -> Result<(), StoreError> {
    let carry = root.folder_made(CARRY.as_bytes())?;
    if carry.folder(record.id.as_bytes())?.is_some() {
        return Ok(());
    }
    let json = record.to_json().map_err(|error| StoreError::Content {
        path: carry.path_of(record.id.as_bytes()),
        layout: tree.layout,
        source: error.into(),
    })?;
    let beside = format!("{NEW}{}", record.id);
    let folder = carry.folder_made(beside.as_bytes())?;
    if let Some(trail) = &record.trail {
        link_trail_out(root, tree, trail, &folder)?;
    }
    let mut file = folder.create(RECORD)?;
    folder.write(RECORD, &mut file, &json)?;
    let synced = folder
        .steps()
        .before(Step::SyncFile)
        .and_then(|()| file.sync_all());
    synced.map_err(StoreError::change(Step::SyncFile, folder.path_of(RECORD)))?;
    folder.sync()?;
    carry.rename(beside.as_bytes(), record.id.as_bytes())?;
    carry.sync()?;
    root.sync()
}

fn link_trail_out(
    root: &Folder,
    tree: TreeName,
    trail: &TrailFile,
    folder: &Folder,
) -> Result<(), StoreError> {
    let place = trails(layout(tree.layout));
    let path = format!("{tree}/{}/{}", place.map_or("", |place| place.path), trail.name);
    match root.link(path.as_bytes(), folder, TRAIL) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(StoreError::change(
            Step::Link,
            root.path_of(path.as_bytes()),
        )(error)),
        _ => Ok(()),
    }
}

fn trails(layout: Option<&'static Layout>) -> Option<&'static Place> {
    layout.and_then(|layout| layout.place(Kind::Trails))
}

/// Takes every carried session over that the tree does not know.
pub(crate) fn take_in(
    root: &Folder,
    tree: TreeName,
    layout: &Layout,
    content: &dyn Content,
) -> Result<Carried, StoreError> {
    let mut carried = Carried::default();
    let Some(carry) = root.folder(CARRY.as_bytes())? else {
        return Ok(carried);
    };
    let tree_folder = root.folder(tree.to_string().as_bytes())?;
    let (Some(tree_folder), Some(database)) = (tree_folder, layout.place(Kind::SessionDatabase)) else {
        return Ok(carried);
    };
    let place = tree_folder.path_of(database.path.as_bytes());
    let failed = |source| StoreError::Content {
        path: place.clone(),
        layout: layout.number,
        source,
    };
    let mut catalogue = content.catalogue(&place, layout.number).map_err(failed)?;
    walk(carry, &mut |met| {
        let Met::Folder(entry) = met else { return Ok(false) };
        if entry.name.starts_with(NEW.as_bytes()) {
            return Ok(false);
        }
        let Some(folder) = entry.folder.folder(entry.name)? else {
            return Ok(false);
        };
        match record(&folder) {
            Ok(record) => one(
                &folder,
                record,
                &tree_folder,
                layout,
                catalogue.as_mut(),
                &mut carried,
            )?,
            Err(problem) if carried.problems.len() < MOST_PROBLEMS => carried.problems.push(problem),
            Err(_) => {}
        }
        Ok(false)
    })?;
    Ok(carried)
}

/// Problems that are told: more say nothing more to anybody.
const MOST_PROBLEMS: usize = 100;

fn one(
    folder: &Folder,
    mut record: SessionRecord,
    tree: &Folder,
    layout: &Layout,
    catalogue: &mut dyn Catalogue,
    carried: &mut Carried,
) -> Result<(), StoreError> {
    let failed = |source| StoreError::Content {
        path: folder.path().into(),
        layout: layout.number,
        source,
    };
    if catalogue.has(&record.id).map_err(failed)? {
        carried.known += 1;
        return Ok(());
    }
    if let (Some(trail), Some(place)) = (record.trail.take(), layout.place(Kind::Trails)) {
        record.trail = link_trail_in(folder, &record.id, &trail, tree, place)?;
    }
    tree.sync_all()?;
    catalogue.insert(&record).map_err(failed)?;
    carried.sessions += 1;
    Ok(())
}

/// Gives the trail its name in this tree; nothing when the session was carried without one.
fn link_trail_in(
    folder: &Folder,
    id: &str,
    trail: &TrailFile,
    tree: &Folder,
    place: &Place,
) -> Result<Option<TrailFile>, StoreError> {
    let ending = trail.name.rsplit_once('.').map_or("zat", |(_, ending)| ending);
    let flat = format!("{id}.{ending}").into_bytes();
    let to = match place.form {
        Form::Folder(arrangement) => arranged(&flat, Arrangement::Free, arrangement),
        Form::File => flat,
    };
    let target = tree.folder_made(place.path.as_bytes())?;
    if let Some(slash) = to.iter().rposition(|byte| *byte == b'/') {
        target.make_folder(&to[..slash])?;
    }
    match folder.link(TRAIL, &target, &to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => return Ok(None),
        Err(error) => return Err(StoreError::change(Step::Link, target.path_of(&to))(error)),
    }
    Ok(Some(TrailFile {
        name: String::from_utf8_lossy(&to).into_owned(),
        size: trail.size,
    }))
}

fn record(folder: &Folder) -> Result<SessionRecord, String> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        folder
            .read(RECORD)?
            .take(MAX_SIZE as u64 + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let shown = || folder.path().display().to_string().escape_debug().to_string();
    let bytes = read().map_err(|error| format!("{}: {error}", shown()))?;
    SessionRecord::from_json(&bytes).map_err(|error| format!("{}: {error}", shown()))
}
