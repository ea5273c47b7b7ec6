//! Removing what no firmware goes back to.
//!
//! First the pointers of firmware that is gone, then the trees nobody points to: each is renamed before it is emptied, so that
//! a tree under its name is always whole or known as unfinished.

use std::collections::BTreeSet;

use sps_datastore_engine::{BY_FIRMWARE, CARRY, REMOVING, StoreFacts, TreeName};

use crate::disk::Folder;
use crate::error::StoreError;
use crate::walk::{Met, walk};

/// Files between two pauses.
const PAUSE_EVERY: u64 = 256;

/// Removes what is not needed beside the tree `used` and those of the firmware in `kept`; how many files went.
pub(crate) fn clean(
    root: &Folder,
    facts: &StoreFacts,
    used: TreeName,
    kept: &BTreeSet<String>,
    pause: &mut dyn FnMut() -> bool,
) -> Result<u64, StoreError> {
    if let Some(pointers) = root.folder(BY_FIRMWARE.as_bytes())? {
        for digest in facts.pointers.keys().filter(|digest| !kept.contains(*digest)) {
            pointers.remove(digest.as_bytes())?;
        }
        pointers.sync()?;
    }
    let unneeded = facts.unneeded(used, kept);
    for tree in &unneeded {
        let name = tree.to_string();
        root.rename(name.as_bytes(), format!("{REMOVING}{name}").as_bytes())?;
    }
    root.sync()?;
    let mut removed = 0;
    for name in leftovers(root)? {
        removed += remove_below(root, &name, pause)?;
    }
    // Alone on the store, this tree has taken in what was carried.
    if facts
        .trees
        .iter()
        .all(|tree| tree.name == used || unneeded.contains(&tree.name))
    {
        removed += remove_below(root, CARRY.as_bytes(), pause)?;
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

/// Removes a folder with everything in it; how many files went.
pub(crate) fn remove_below(
    root: &Folder,
    name: &[u8],
    pause: &mut dyn FnMut() -> bool,
) -> Result<u64, StoreError> {
    let Some(folder) = root.folder(name)? else {
        return Ok(0);
    };
    let mut removed = 0_u64;
    walk(folder, &mut |met| {
        match met {
            Met::Folder(_) => {}
            Met::Other(entry) => {
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
    Ok(removed)
}
