//! Old backups go when newer ones are enough.
//!
//! Only what is known to be a backup of ours, and complete, counts, and only that is removed: its manifest is whole, the password opens
//! it, whoever asks knows the keys in it, and every content is on the shelf. A manifest goes before its contents, so that whatever is
//! listed at any moment can be restored; contents go that no manifest of the appliance names. While one of them cannot be read no content goes.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::path::Path;

use sps_config::Secret;

use crate::backup::contents;
use crate::error::{BackupError, ShelfError};
use crate::manifest::{Reader, backups, content_of, fetch, object_of};
use crate::names::hex;
use crate::shelf::Shelf;

/// Which backups go.
#[derive(Clone, Copy)]
pub struct Keep<'a> {
    /// Where they are.
    pub shelf: &'a Shelf,
    /// Name of the appliance.
    pub appliance: &'a str,
    /// How many stay, the newest of them.
    pub most: NonZeroU32,
    /// The password of those that may go.
    pub password: &'a Secret,
    /// Whether what was enclosed in a backup is ours.
    pub ours: &'a dyn Fn(&[u8]) -> bool,
    /// A folder for manifests meanwhile.
    pub scratch: &'a Path,
}

/// What went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Names of backups.
    pub backups: Vec<String>,
    /// Contents that no other backup needs.
    pub contents: u64,
    /// Backups that were left because they are not ours, or not complete.
    pub strange: Vec<String>,
    /// A manifest could not be read: no content was removed.
    pub unread: bool,
}

/// Removes what is more than is to be kept. `go_on` is asked before each removal.
///
/// # Errors
/// Something could not be listed or removed: the next run goes on.
pub fn prune(keep: &Keep<'_>, go_on: &mut dyn FnMut() -> bool) -> Result<Pruned, BackupError> {
    let mut done = Pruned::default();
    let most = usize::try_from(keep.most.get()).unwrap_or(usize::MAX);
    let all = backups(keep.shelf, Some(keep.appliance))?;
    if all.len() <= most {
        return Ok(done);
    }
    let there = contents(keep.shelf, keep.appliance)?;
    let (mut kept, mut going) = (0, Vec::new());
    // The newest first: it counts, or stays as it is.
    for backup in all.iter().rev() {
        if !is_complete(keep, &backup.name, &there)? {
            done.strange.push(backup.name.clone());
        } else if kept < most {
            kept += 1;
        } else {
            going.push(backup.name.clone());
        }
    }
    if going.is_empty() {
        return Ok(done);
    }
    for name in going.into_iter().rev() {
        stop(go_on)?;
        keep.shelf.remove(&object_of(keep.appliance, &name))?;
        done.backups.push(name);
    }
    let Some(needed) = needed(keep)? else {
        done.unread = true;
        return Ok(done);
    };
    for content in there.difference(&needed) {
        stop(go_on)?;
        keep.shelf.remove(&content_of(keep.appliance, &hex(content)))?;
        done.contents += 1;
    }
    Ok(done)
}

fn stop(go_on: &mut dyn FnMut() -> bool) -> Result<(), BackupError> {
    if go_on() {
        Ok(())
    } else {
        Err(BackupError::Stopped)
    }
}

/// Whether a backup is ours and all there. Only a shelf that fails is an error.
fn is_complete(keep: &Keep<'_>, name: &str, there: &HashSet<[u8; 32]>) -> Result<bool, BackupError> {
    let path = keep.scratch.join("old-manifest");
    fetch(keep.shelf, keep.appliance, name, &path)?;
    let Ok(mut reader) = Reader::open(&path) else {
        return Ok(false);
    };
    if reader.head.appliance != keep.appliance {
        return Ok(false);
    }
    let all = reader.by_ref().all(|entry| {
        let digest = entry.ok().and_then(|entry| entry.digest());
        digest.is_some_and(|digest| there.contains(&digest))
    });
    // The last line is only there when everything before it was read, and is whole.
    let keys = reader.tail.filter(|_| all).map(|tail| tail.open(keep.password));
    Ok(matches!(keys, Some(Ok(keys)) if (keep.ours)(&keys)))
}

/// What the backups name that are left; nothing when one of them cannot be read.
fn needed(keep: &Keep<'_>) -> Result<Option<HashSet<[u8; 32]>>, BackupError> {
    let path = keep.scratch.join("old-manifest");
    let mut needed = HashSet::new();
    for backup in backups(keep.shelf, Some(keep.appliance))? {
        fetch(keep.shelf, keep.appliance, &backup.name, &path)?;
        let Ok(mut reader) = Reader::open(&path) else {
            return Ok(None);
        };
        for entry in reader.by_ref() {
            let Some(digest) = entry.ok().and_then(|entry| entry.digest()) else {
                return Ok(None);
            };
            needed.insert(digest);
        }
        if reader.tail.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(needed))
}

impl Shelf {
    /// Removes an object; one that is gone already is no failure.
    fn remove(&self, name: &str) -> Result<(), ShelfError> {
        match self.delete(name) {
            Err(ShelfError::Operation { source, .. })
                if matches!(*source, object_store::Error::NotFound { .. }) =>
            {
                Ok(())
            }
            removed => removed,
        }
    }
}
