//! Counting what a tree holds.

use sps_datastore_engine::{Class, Counted, Facts, Kind, Layout, RESERVED};

use crate::disk::Folder;
use crate::error::StoreError;
use crate::walk::{Entry, Met, walk};

/// Counts the tree `tree`, which has this layout. Only of what will be copied the size is looked at: of a million trails the
/// names are read, nothing else.
pub(crate) fn survey(tree: Folder, layout: &Layout) -> Result<Facts, StoreError> {
    let mut facts = Facts {
        layout: layout.number,
        ..Facts::default()
    };
    walk(tree, &mut |met| {
        match met {
            Met::Folder(entry) => count_folder(&mut facts, layout, &entry),
            Met::Other(entry) => count_file(&mut facts, layout, &entry)?,
            Met::Left(_) => {}
        }
        Ok(true)
    })?;
    Ok(facts)
}

fn count_folder(facts: &mut Facts, layout: &Layout, entry: &Entry<'_>) {
    // A folder that only leads to places is made with them.
    if layout.place_of(entry.relative).is_some() || !layout.leads_to_places(entry.relative) {
        let counted = facts.kinds.entry(kind(layout, entry.relative)).or_default();
        counted.folders += 1;
        counted.names += entry.name.len() as u64;
    }
}

fn count_file(facts: &mut Facts, layout: &Layout, entry: &Entry<'_>) -> Result<(), StoreError> {
    if is_reserved(entry.relative) {
        return Ok(());
    }
    let place = layout.place_of(entry.relative);
    let sized = place.is_some_and(|place| !matches!(place.class, Class::WriteOnce));
    let bytes = if sized {
        let identity = entry.folder.identity(entry.name);
        identity
            .map_err(StoreError::read(entry.folder.path_of(entry.name)))?
            .size
    } else {
        0
    };
    *facts.kinds.entry(kind(layout, entry.relative)).or_default() += Counted {
        files: 1,
        folders: 0,
        bytes,
        names: entry.name.len() as u64,
    };
    Ok(())
}

fn kind(layout: &Layout, relative: &[u8]) -> Kind {
    layout
        .place_of(relative)
        .map_or(Kind::Unrecognized, |place| place.kind)
}

/// Whether a path in a tree is the store's own.
pub(crate) fn is_reserved(relative: &[u8]) -> bool {
    RESERVED.iter().any(|name| name.as_bytes() == relative)
}
