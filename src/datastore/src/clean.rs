//! Removing what no firmware goes back to.
//!
//! First the pointers of firmware that is gone, then the trees nobody points to: each is renamed before it is emptied, so that
//! a tree under its name is always whole or known as unfinished.

use std::collections::BTreeSet;

use sps_datastore_engine::{BY_FIRMWARE, CARRY, Kind, REMOVING, StoreFacts, TreeName, layout};
use tracing::warn;

use crate::disk::Folder;
use crate::error::StoreError;
use crate::walk::{Met, walk};

/// Files between two pauses.
const PAUSE_EVERY: u64 = 256;

/// Removes what is not needed beside the tree `used`, the one that is being restored, and those of the firmware in `kept`; how many
/// files went.
pub(crate) fn clean(
    root: &Folder,
    facts: &StoreFacts,
    (used, restoring): (TreeName, Option<TreeName>),
    kept: &BTreeSet<String>,
    pause: &mut dyn FnMut() -> bool,
) -> Result<u64, StoreError> {
    if let Some(pointers) = root.folder(BY_FIRMWARE.as_bytes())? {
        for digest in facts.pointers.keys().filter(|digest| !kept.contains(*digest)) {
            pointers.remove(digest.as_bytes())?;
        }
        pointers.sync()?;
    }
    let mut unneeded = facts.unneeded(used, kept);
    unneeded.retain(|tree| Some(*tree) != restoring);
    for tree in &unneeded {
        let name = tree.to_string();
        root.rename(name.as_bytes(), format!("{REMOVING}{name}").as_bytes())?;
    }
    root.sync()?;
    let mut removed = 0;
    for name in leftovers(root)? {
        removed += remove_all(root, &name, &is_trail_of_tree(&name), pause)?;
    }
    // Alone on the store, this tree has taken in what was carried.
    if facts
        .trees
        .iter()
        .all(|tree| tree.name == used || unneeded.contains(&tree.name))
    {
        removed += remove_all(root, CARRY.as_bytes(), &|path| path.ends_with(b"/trail"), pause)?;
    }
    root.sync()?;
    Ok(removed)
}

/// Trees that are being removed, by this or an earlier start.
fn leftovers(root: &Folder) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut names = Vec::new();
    walk(Folder::open(root.path(), root.steps())?, &mut |met| {
        if let Met::Folder(entry) = met
            && entry.name.starts_with(REMOVING.as_bytes())
        {
            names.push(entry.name.to_vec());
        }
        Ok(false)
    })?;
    Ok(names)
}

/// Which paths of a tree that is being removed are trails.
fn is_trail_of_tree(name: &[u8]) -> impl Fn(&[u8]) -> bool {
    let name = std::str::from_utf8(name)
        .ok()
        .and_then(|name| name.strip_prefix(REMOVING));
    let tree = name.and_then(|name| name.parse::<TreeName>().ok());
    let layout = tree.and_then(|tree| layout(tree.layout));
    // Of a layout that is not known here everything may be one.
    move |path| {
        layout.is_none_or(|layout| {
            layout
                .place_of(path)
                .is_some_and(|place| place.kind == Kind::Trails)
        })
    }
}

/// Removes a folder with everything in it; how many files went.
pub(crate) fn remove_below(
    root: &Folder,
    name: &[u8],
    pause: &mut dyn FnMut() -> bool,
) -> Result<u64, StoreError> {
    remove_all(root, name, &|_| false, pause)
}

/// As [`remove_below`], but a trail that has no other name stays where it is: evidence goes by its retention policy alone. A
/// session that a crash ended before it was carried has its trail here and nowhere else.
fn remove_all(
    root: &Folder,
    name: &[u8],
    is_trail: &dyn Fn(&[u8]) -> bool,
    pause: &mut dyn FnMut() -> bool,
) -> Result<u64, StoreError> {
    let Some(folder) = root.folder(name)? else {
        return Ok(0);
    };
    let (mut removed, mut kept) = (0_u64, 0_u64);
    walk(folder, &mut |met| {
        match met {
            Met::Folder(_) => {}
            Met::Other(entry) => {
                let last = entry.folder.is_last_name(entry.name);
                if is_trail(entry.relative)
                    && last.map_err(StoreError::read(entry.folder.path_of(entry.name)))?
                {
                    kept += 1;
                    return Ok(true);
                }
                entry.folder.remove(entry.name)?;
                removed += 1;
                if removed.is_multiple_of(PAUSE_EVERY) && !pause() {
                    return Err(StoreError::Stopped);
                }
            }
            Met::Left(entry) => entry.folder.remove_folder(entry.name)?,
        }
        Ok(true)
    })?;
    root.remove_folder(name)?;
    if kept > 0 && removed > 0 {
        let folder = String::from_utf8_lossy(name);
        warn!("{kept} audit trails that no other layout holds were kept in {folder}");
    }
    Ok(removed)
}
