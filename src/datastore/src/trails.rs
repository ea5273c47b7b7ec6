//! Removing the trail of one session: under every name that it has on the store.
//!
//! Whoever asks has noted before where the trail is now, or that its time is over, and asks again after a power cut: what is gone
//! already is no error. Must not be asked for a session that goes on.

use std::io;

use rustix::fs::{Mode, OFlags, fstat, openat};
use sps_datastore_engine::{Arrangement, CARRY, Form, Kind, Layout, TreeName, arranged, layout};

use crate::disk::Folder;
use crate::error::StoreError;
use crate::walk::{Met, walk};

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Names that are gone.
    pub names: u64,
    /// Names that are left, where nobody expects them: the file still takes its room.
    pub left: u64,
}

/// Removes the trail `trail` of the session `id`, as the tree `own` calls it, from all `trees` and from what is carried.
pub(crate) fn remove(
    root: &Folder,
    trees: &[TreeName],
    own: TreeName,
    id: &str,
    trail: &str,
) -> Result<Removed, StoreError> {
    let mut removed = Removed::default();
    // The own tree goes last: its name is by which the others are found, and a power cut before leaves it to be found again.
    let Some(file) = open(root, own, trail)? else {
        // A start that was cut off got as far as this: the others went before.
        remove_carried(root, id, &mut removed)?;
        return Ok(removed);
    };
    for tree in trees.iter().filter(|tree| **tree != own) {
        let Some(name) = name_in(*tree, own, trail) else {
            continue;
        };
        removed.names += u64::from(remove_same(root, *tree, &name, &file)?);
    }
    remove_carried(root, id, &mut removed)?;
    removed.names += u64::from(remove_same(root, own, trail.as_bytes(), &file)?);
    let left = fstat(&file).map_err(|error| StoreError::read(root.path())(error.into()))?;
    removed.left = left.st_nlink;
    Ok(removed)
}

fn trails_of(tree: TreeName) -> Option<(&'static str, Arrangement)> {
    let place = layout(tree.layout).and_then(|layout: &Layout| layout.place(Kind::Trails))?;
    match place.form {
        Form::Folder(arrangement) => Some((place.path, arrangement)),
        Form::File => None,
    }
}

/// What the trail of `own` is called in `tree`.
fn name_in(tree: TreeName, own: TreeName, trail: &str) -> Option<Vec<u8>> {
    let ((_, from), (_, to)) = (trails_of(own)?, trails_of(tree)?);
    Some(arranged(trail.as_bytes(), from, to))
}

fn path_in(tree: TreeName, name: &[u8]) -> Option<Vec<u8>> {
    let (place, _) = trails_of(tree)?;
    Some([format!("{tree}/{place}/").as_bytes(), name].concat())
}

fn open(root: &Folder, tree: TreeName, trail: &str) -> Result<Option<std::fs::File>, StoreError> {
    let Some(path) = path_in(tree, trail.as_bytes()) else {
        return Ok(None);
    };
    match root.read(&path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::read(root.path_of(&path))(error)),
    }
}

/// Removes a name in a tree when it stands for this very file.
fn remove_same(root: &Folder, tree: TreeName, name: &[u8], file: &std::fs::File) -> Result<bool, StoreError> {
    let Some(path) = path_in(tree, name) else {
        return Ok(false);
    };
    let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let Some(folder) = root.folder(&path[..slash])? else {
        return Ok(false);
    };
    let last = &path[slash + 1..];
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(found) = openat(folder.handle(), last, flags, Mode::empty()) else {
        return Ok(false);
    };
    let read = |error: rustix::io::Errno| StoreError::read(folder.path_of(last))(error.into());
    let (found, wanted) = (fstat(&found).map_err(read)?, fstat(file).map_err(read)?);
    if (found.st_dev, found.st_ino) != (wanted.st_dev, wanted.st_ino) {
        return Ok(false);
    }
    folder.remove(last)?;
    folder.sync()?;
    Ok(true)
}

fn remove_carried(root: &Folder, id: &str, removed: &mut Removed) -> Result<(), StoreError> {
    let Some(carried) = carried(root, id)? else {
        return Ok(());
    };
    if carried.identity(b"trail").is_ok() {
        carried.remove(b"trail")?;
        carried.sync()?;
        removed.names += 1;
    }
    Ok(())
}

fn carried(root: &Folder, id: &str) -> Result<Option<Folder>, StoreError> {
    match root.folder(CARRY.as_bytes())? {
        Some(carry) => carry.folder(id.as_bytes()),
        None => Ok(None),
    }
}

/// Forgets a carried session: no start brings it back.
pub(crate) fn forget(root: &Folder, id: &str) -> Result<(), StoreError> {
    let Some(carried) = carried(root, id)? else {
        return Ok(());
    };
    for name in [&b"record.json"[..], b"trail"] {
        carried.remove(name)?;
    }
    carried.sync()?;
    let Some(carry) = root.folder(CARRY.as_bytes())? else {
        return Ok(());
    };
    carry.remove_folder(id.as_bytes())?;
    carry.sync()
}

/// Bytes of the files of a tree that have no other name and are no trails.
pub(crate) fn only_in(root: &Folder, tree: TreeName) -> Result<u64, StoreError> {
    let Some(folder) = root.folder(tree.to_string().as_bytes())? else {
        return Ok(0);
    };
    let layout = layout(tree.layout);
    let mut bytes = 0;
    walk(folder, &mut |met| {
        let Met::Other(entry) = met else { return Ok(true) };
        let place = layout.and_then(|layout| layout.place_of(entry.relative));
        let is_trail = place.is_some_and(|place| place.kind == Kind::Trails);
        if !is_trail && entry.folder.is_last_name(entry.name).unwrap_or(false) {
            bytes += entry
                .folder
                .identity(entry.name)
                .map_or(0, |identity| identity.size);
        }
        Ok(true)
    })?;
    Ok(bytes)
}
